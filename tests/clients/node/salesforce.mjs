// Walks a scenario with two clients that know nothing of Quittance: jsforce and the Pub/Sub API client of npm.
//
//   QUITTANCE_ENDPOINTS=D/endpoints.json node tests/clients/node/salesforce.mjs
//
// What it writes it deletes again, except for the events that it publishes, which carry no command.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSign, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = process.env.QUITTANCE_ENDPOINTS;
if (!file) {
    console.error('QUITTANCE_ENDPOINTS must name the endpoints.json of a running sandbox.');
    process.exit(2);
}
const endpoints = JSON.parse(readFileSync(file, 'utf8'));
const salesforce = endpoints.salesforce;

// Node reads extra authorities only when it starts.
if (process.env.NODE_EXTRA_CA_CERTS !== endpoints.ca_file) {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: endpoints.ca_file };
    const again = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { env, stdio: 'inherit' });
    process.exit(again.status ?? 1);
}

const { default: jsforce } = await import('jsforce');
const { default: PubSubApiClient } = await import('salesforce-pubsub-api-client');

const TOPIC = '/event/Payment_Command__e';
const PATIENCE_MS = 10_000;
const run = randomUUID().slice(0, 8);
const privateKey = readFileSync(salesforce.private_key_file, 'utf8');

const step = async (name, work) => {
    await work();
    console.log(`ok - ${name}`);
};

const until = async (what, condition) => {
    const deadline = Date.now() + PATIENCE_MS;
    while (!condition()) {
        assert.ok(Date.now() < deadline, `waited ${PATIENCE_MS} ms for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
};

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const assertion = (changes = {}) => {
    const claims = {
        iss: salesforce.client_id,
        sub: salesforce.username,
        aud: salesforce.login_url,
        exp: Math.floor(Date.now() / 1000) + 180,
        ...changes,
    };
    const signed = `${part({ alg: 'RS256' })}.${part(claims)}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey).toString('base64url')}`;
};
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const admin = new jsforce.Connection({
    instanceUrl: salesforce.instance_url,
    accessToken: salesforce.admin_token,
    version: salesforce.api_version,
});

await step('a signed assertion gives a session of the integration user', async () => {
    const robot = new jsforce.Connection({ loginUrl: salesforce.login_url, version: salesforce.api_version });
    await robot.authorize({ grant_type: JWT_BEARER, assertion: assertion() });
    assert.equal(robot.userInfo.organizationId, salesforce.org_id);
    assert.equal(robot.instanceUrl, salesforce.instance_url);
    const [organization] = (await robot.query('SELECT Id FROM Organization')).records;
    assert.equal(organization.Id, salesforce.org_id);
    const who = await robot.identity();
    assert.equal(who.username, salesforce.username);
});

await step('client credentials give a session too', async () => {
    const robot = new jsforce.Connection({ loginUrl: salesforce.login_url, version: salesforce.api_version });
    const { client_id, client_secret } = salesforce;
    await robot.authorize({ grant_type: 'client_credentials', client_id, client_secret });
    assert.equal(robot.userInfo.organizationId, salesforce.org_id);
});

await step('a wrong audience, an expired assertion and a wrong secret are refused in words', async () => {
    const refused = async (grant, expected) => {
        const robot = new jsforce.Connection({ loginUrl: salesforce.login_url });
        await assert.rejects(robot.authorize(grant), (error) => {
            assert.match(`${error.name} ${error.message}`, expected);
            return true;
        });
    };
    const bearer = (changes) => ({ grant_type: JWT_BEARER, assertion: assertion(changes) });
    await refused(bearer({ aud: 'https://elsewhere.example' }), /invalid_grant.*audience is invalid/);
    await refused(bearer({ exp: 1 }), /invalid_grant/);
    const wrong = { grant_type: 'client_credentials', client_id: salesforce.client_id, client_secret: 'no' };
    await refused(wrong, /invalid_client.*invalid client credentials/);
    const stale = new jsforce.Connection({ instanceUrl: salesforce.instance_url, accessToken: 'stale' });
    await assert.rejects(stale.query('SELECT Id FROM Account'), /INVALID_SESSION_ID|Session expired/);
});

const created = { accounts: [], invoices: [] };

await step('a record is created, read, changed, and refused in words', async () => {
    const saved = await admin.sobject('Account').create({ Name: `Walk ${run} Ünïcode & Söhne` });
    assert.equal(saved.success, true);
    assert.match(saved.id, /^001[A-Za-z0-9]{15}$/);
    created.accounts.push(saved.id);
    await admin.sobject('Account').update({ Id: saved.id, Phone: '+1 555 0100' });
    const account = await admin.sobject('Account').retrieve(saved.id);
    assert.equal(account.Name, `Walk ${run} Ünïcode & Söhne`);
    assert.equal(account.Phone, '+1 555 0100');
    assert.match(account.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
    assert.equal(account.attributes.url, `/services/data/v${salesforce.api_version}/sobjects/Account/${saved.id}`);
    await assert.rejects(admin.sobject('Account').create({ Phone: '1' }), /REQUIRED_FIELD_MISSING|Required fields/);
    await assert.rejects(admin.sobject('Account').create({ Name: 'x', Nope__c: 1 }), /No such column 'Nope__c'/);
    await assert.rejects(admin.query('SELECT Nope__c FROM Account'), /Nope__c/);
});

await step('an upsert by external id creates once, then updates the same record', async () => {
    const key = `cus_${run}`;
    const upsert = (name) => admin.sobject('Account').upsert({ Name: name, Stripe_Customer_Id__c: key }, 'Stripe_Customer_Id__c');
    const first = await upsert(`Upsert ${run}`);
    const second = await upsert(`Upsert ${run} again`);
    assert.equal(first.created, true);
    assert.equal(second.created, false);
    assert.equal(second.id, first.id);
    created.accounts.push(first.id);
    const many = await admin.sobject('Account').upsert(
        [
            { Name: `Upsert ${run} third`, Stripe_Customer_Id__c: key },
            { Name: `Another ${run}`, Stripe_Customer_Id__c: `${key}_2` },
            { Name: 'twice', Stripe_Customer_Id__c: `${key}_3` },
            { Name: 'twice', Stripe_Customer_Id__c: `${key}_3` },
        ],
        'Stripe_Customer_Id__c',
    );
    assert.deepEqual(many.map((row) => row.success), [true, true, false, false]);
    assert.equal(many[0].id, first.id);
    assert.equal(many[2].errors[0].statusCode, 'DUPLICATE_VALUE');
    created.accounts.push(many[1].id);
    // The field is case-sensitive: another letter case is another customer.
    const found = await admin.query(`SELECT Name FROM Account WHERE Stripe_Customer_Id__c = '${key}'`);
    assert.deepEqual(found.records.map((row) => row.Name), [`Upsert ${run} third`]);
});

await step('collections answer row by row, or take everything back', async () => {
    const invoice = (fields) => ({ Account__c: created.accounts[0], Currency_Code__c: 'USD', ...fields });
    const rows = [
        invoice({ Name: `Q-${run}-1`, Total__c: 1234.567 }),
        invoice({ Name: `Q-${run}-2`, Total__c: 5, Currency_Code__c: 'DOLLARS' }),
    ];
    const half = await admin.sobject('Invoice__c').create(rows);
    assert.deepEqual(half.map((row) => row.success), [true, false]);
    assert.equal(half[1].errors[0].statusCode, 'STRING_TOO_LONG');
    created.invoices.push(half[0].id);
    const read = await admin.sobject('Invoice__c').retrieve(half[0].id);
    assert.equal(read.Total__c, 1234.567);
    const none = await admin.sobject('Invoice__c').create(rows, { allOrNone: true });
    assert.deepEqual(none.map((row) => row.errors[0].statusCode), ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'STRING_TOO_LONG']);
    const count = await admin.query(`SELECT COUNT() FROM Invoice__c WHERE Name LIKE 'Q-${run}-%'`);
    assert.equal(count.totalSize, 1);
    const both = await admin.sobject('Invoice__c').retrieve([half[0].id, 'a00000000000000AAA'], { fields: ['Name'] }).catch(() => null);
    if (both) assert.equal(both[0].Name, `Q-${run}-1`);
});

const composite = (body) => admin.request({
    method: 'POST',
    url: `/services/data/v${salesforce.api_version}/composite`,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
});

await step('a composite with a failing record keeps the rest, or nothing', async () => {
    const base = `/services/data/v${salesforce.api_version}`;
    const request = (allOrNone, name) => ({
        allOrNone,
        collateSubrequests: false,
        compositeRequest: [
            { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'acc', body: { Name: name } },
            {
                method: 'POST',
                url: `${base}/sobjects/Invoice__c`,
                referenceId: 'bad',
                body: { Account__c: '@{acc.id}', Name: `C-${run}`, Currency_Code__c: 'DOLLARS', Total__c: 1 },
            },
            { method: 'GET', url: `${base}/sobjects/Invoice__c/@{bad.id}`, referenceId: 'dependent' },
            { method: 'GET', url: `${base}/query?q=SELECT+Name+FROM+Account+WHERE+Id='@{acc.id}'`, referenceId: 'read' },
        ],
    });
    const kept = (await composite(request(false, `Composite ${run}`))).compositeResponse;
    assert.deepEqual(kept.map((one) => one.httpStatusCode), [201, 400, 400, 200]);
    assert.equal(kept[1].body[0].errorCode, 'STRING_TOO_LONG');
    assert.equal(kept[2].body[0].errorCode, 'PROCESSING_HALTED');
    assert.equal(kept[3].body.records[0].Name, `Composite ${run}`);
    assert.equal(kept[0].httpHeaders.Location, `${base}/sobjects/Account/${kept[0].body.id}`);
    created.accounts.push(kept[0].body.id);
    const gone = (await composite(request(true, `Composite ${run} gone`))).compositeResponse;
    assert.deepEqual(gone.map((one) => one.body[0].errorCode), [
        'PROCESSING_HALTED', 'STRING_TOO_LONG', 'PROCESSING_HALTED', 'PROCESSING_HALTED',
    ]);
    const left = await admin.query(`SELECT Id FROM Account WHERE Name = 'Composite ${run} gone'`);
    assert.equal(left.totalSize, 0);
});

await step('a long query comes in pages and none of its rows twice', async () => {
    const rows = Array.from({ length: 430 }, (_, at) => ({
        Name: `P-${run}-${String(at).padStart(3, '0')}`,
        Account__c: created.accounts[0],
        Total__c: at + 0.5,
    }));
    const saved = await admin.sobject('Invoice__c').create(rows, { allowRecursive: true });
    assert.ok(saved.every((row) => row.success), JSON.stringify(saved.find((row) => !row.success)));
    created.invoices.push(...saved.map((row) => row.id));
    const soql = `SELECT Name, Total__c, Account__r.Name FROM Invoice__c WHERE Name LIKE 'P-${run}-%' ORDER BY Name`;
    const options = { headers: { 'Sforce-Query-Options': 'batchSize=200' } };
    let page = await admin.request({ url: `/query?q=${encodeURIComponent(soql)}`, ...options });
    assert.deepEqual([page.totalSize, page.done, page.records.length], [430, false, 200]);
    assert.match(page.nextRecordsUrl, /\/query\/01g[A-Za-z0-9]{15}-200$/);
    const seen = [...page.records];
    while (!page.done) {
        page = await admin.queryMore(page.nextRecordsUrl);
        seen.push(...page.records);
    }
    assert.deepEqual(seen.map((row) => row.Name), rows.map((row) => row.Name));
    assert.deepEqual(seen.map((row) => row.Total__c), rows.map((row) => row.Total__c));
    assert.equal(seen[0].Account__r.Name, `Walk ${run} Ünïcode & Söhne`);
    assert.equal('Id' in seen[0], false, 'what was not asked for is not answered');
    const sum = await admin.query(`SELECT SUM(Total__c) total, COUNT(Id) n FROM Invoice__c WHERE Name LIKE 'P-${run}-%'`);
    assert.deepEqual([sum.records[0].total, sum.records[0].n], [92450, 430]);
});

await step('describe and limits tell what clients rely on', async () => {
    const describe = await admin.sobject('Account').describe();
    const key = describe.fields.find((field) => field.name === 'Stripe_Customer_Id__c');
    assert.deepEqual([key.externalId, key.unique, key.caseSensitive, key.length], [true, true, true, 255]);
    const limits = await admin.limits();
    assert.ok(limits.DailyApiRequests.Remaining < limits.DailyApiRequests.Max);
    assert.ok(admin.limitInfo.apiUsage.used > 0);
});

const quiet = { debug() {}, info() {}, warn() {}, error: console.error };
const [pubSubHost] = [salesforce.pubsub];
const publisher = new PubSubApiClient(
    {
        authType: 'user-supplied',
        accessToken: salesforce.admin_token,
        instanceUrl: salesforce.instance_url,
        organizationId: salesforce.org_id,
        pubSubEndpoint: pubSubHost,
        rejectUnauthorizedSsl: false,
    },
    quiet,
);
const subscriber = new PubSubApiClient(
    {
        authType: 'oauth-jwt-bearer',
        loginUrl: salesforce.login_url,
        clientId: salesforce.client_id,
        username: salesforce.username,
        privateKey,
        pubSubEndpoint: pubSubHost,
        rejectUnauthorizedSsl: false,
    },
    quiet,
);

const me = (await admin.request('/services/oauth2/userinfo')).user_id;
const publish = async (text, id) => {
    const payload = { CreatedDate: Date.now(), CreatedById: me, Commands__c: { string: text } };
    const result = await publisher.publish(TOPIC, payload, id);
    assert.equal(result.correlationKey ?? id, id);
    return Number(result.replayId);
};
const listen = (seen, errors = []) => (_subscription, kind, data) => {
    if (kind === 'event') seen.push(data);
    if (kind === 'error') errors.push(data);
};

await step('what is published is received, in order, with its values, and replayed from any point', async () => {
    await publisher.connect();
    await subscriber.connect();
    const texts = ['first', 'second ✓', 'third'].map((word) => JSON.stringify({ v: 1, commands: [], note: `${run} ${word}` }));
    const ids = texts.map(() => randomUUID());
    const before = await publish(JSON.stringify({ v: 1, commands: [] }), randomUUID());
    const seen = [];
    await subscriber.subscribeFromReplayId(TOPIC, listen(seen), 50, before);
    const replays = [];
    for (const [at, text] of texts.entries()) replays.push(await publish(text, ids[at]));
    const mine = () => seen.filter((event) => ids.includes(event.id));
    await until('three events', () => mine().length === 3);
    assert.deepEqual(mine().map((event) => event.id), ids);
    assert.deepEqual(mine().map((event) => event.payload.Commands__c), texts);
    assert.deepEqual(mine().map((event) => Number(event.replayId)), replays);
    assert.equal(mine()[0].payload.CreatedById, me);
    assert.ok(Math.abs(Date.now() - Number(mine()[0].payload.CreatedDate)) < 60_000);

    const again = new PubSubApiClient(
        { ...{ authType: 'user-supplied', accessToken: salesforce.admin_token, instanceUrl: salesforce.instance_url },
            organizationId: salesforce.org_id, pubSubEndpoint: pubSubHost, rejectUnauthorizedSsl: false },
        quiet,
    );
    await again.connect();
    const replayed = [];
    await again.subscribeFromReplayId(TOPIC, listen(replayed), 50, replays[0]);
    await until('the replay', () => replayed.filter((event) => ids.includes(event.id)).length === 2);
    assert.deepEqual(replayed.filter((event) => ids.includes(event.id)).map((event) => event.id), ids.slice(1));
    again.close();
});

await step('an unknown replay id ends the subscription with its error code', async () => {
    const errors = [];
    const silent = new PubSubApiClient(
        { authType: 'user-supplied', accessToken: salesforce.admin_token, instanceUrl: salesforce.instance_url,
            organizationId: salesforce.org_id, pubSubEndpoint: pubSubHost, rejectUnauthorizedSsl: false },
        { ...quiet, error() {} },
    );
    await silent.connect();
    await silent.subscribeFromReplayId(TOPIC, listen([], errors), 5, 5);
    await until('the error', () => errors.length > 0);
    const code = errors[0].metadata?.get('error-code')?.[0];
    assert.equal(code, 'sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted');
    silent.close();
});

await step('what the walk wrote can be deleted', async () => {
    const gone = [
        ...(await admin.sobject('Invoice__c').destroy(created.invoices, { allowRecursive: true })),
        ...(await admin.sobject('Account').destroy(created.accounts)),
    ];
    assert.ok(gone.every((row) => row.success), JSON.stringify(gone.find((row) => !row.success)));
    await assert.rejects(admin.sobject('Account').retrieve(created.accounts[0]), /NOT_FOUND|does not exist/);
});

publisher.close();
subscriber.close();
console.log('the walk of jsforce and the Pub/Sub client is done');
process.exit(0);
