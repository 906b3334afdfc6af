// `lightning/uiListsApi`: the package's list views, run as queries with the person's own rights.
import { lists } from 'virtual:package';

const problem = (message, status = 400) => ({ body: { message, statusCode: status }, status, ok: false });
const MOST = 2000;

async function get(path) {
    const answer = await fetch(`/lightning/api/${window.__who}/data/${path}`);
    const body = await answer.json();
    if (!answer.ok) throw problem(body[0]?.message ?? `${answer.status}`, answer.status);
    return body;
}

const UNQUOTED = ['boolean', 'currency', 'date', 'datetime', 'double', 'int', 'percent'];
const COMPARED = { equals: '=', notEqual: '!=', lessThan: '<', greaterThan: '>', lessOrEqual: '<=', greaterOrEqual: '>=' };

/** One filter of a list view as a condition; commas stand between alternatives. */
function condition({ field, operation, value }, types) {
    const type = types.get(field.toLowerCase());
    if (!type || !COMPARED[operation]) throw new Error(`The filter ${field} ${operation} of a list view is not modelled in the sandbox's console`);
    const literal = (text) => (UNQUOTED.includes(type) ? text : `'${text.replace(/[\\']/g, '\\$&')}'`);
    const alternatives = (value ?? '').split(',').map((text) => `${field} ${COMPARED[operation]} ${value === '' ? 'null' : literal(text.trim())}`);
    return `(${alternatives.join(operation === 'notEqual' ? ' AND ' : ' OR ')})`;
}

/** The query that a list view stands for. */
export async function queryOf(list) {
    const { fields } = await get(`sobjects/${list.object}/describe`);
    const types = new Map(fields.map((field) => [field.name.toLowerCase(), field.type]));
    const conditions = list.filters.map((filter) => condition(filter, types));
    if (list.scope === 'Mine') conditions.push(`OwnerId = '${window.__person.id}'`);
    else if (list.scope !== 'Everything') throw new Error(`A list view of the scope ${list.scope} is not modelled in the sandbox's console`);
    if (list.logic) throw new Error(`The filter logic of the list view ${list.name} is not modelled in the sandbox's console`);
    return `SELECT Id, Name FROM ${list.object}${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''} ORDER BY Name, Id`;
}

const sized = (pageSize) => {
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MOST) throw problem(`pageSize has to be from 1 to ${MOST}, not ${pageSize}.`);
    return pageSize;
};

/** A wire adapter that answers once for each configuration; what the sandbox doesn't model is an error that says so. */
function adapter(name, known, answer) {
    return class {
        constructor(emit) {
            this.emit = emit;
        }
        connect() {
            this.isConnected = true;
        }
        disconnect() {
            this.isConnected = false;
        }
        async update(config) {
            const unknown = Object.keys(config).filter((key) => !known.includes(key));
            if (unknown.length > 0) throw new Error(`${name}: ${unknown.join(', ')} is not modelled in the sandbox`);
            if (Object.values(config).some((value) => value === undefined)) return;
            this.config = config;
            let result;
            try {
                result = { data: await answer(config), error: undefined };
            } catch (error) {
                result = { data: undefined, error };
            }
            if (this.isConnected && this.config === config) this.emit(result);
        }
    };
}

export const getListInfosByObjectName = adapter('getListInfosByObjectName', ['objectApiName', 'pageSize'], async ({ objectApiName, pageSize = 20 }) => {
    const own = lists.filter((list) => list.object === objectApiName).slice(0, sized(pageSize));
    // Whoever may not read the object is shown none of its lists.
    await get(`sobjects/${objectApiName}/describe`);
    return { count: own.length, objectApiName, lists: own.map((list) => ({ apiName: list.name, label: list.label })) };
});

export const getListRecordsByName = adapter(
    'getListRecordsByName',
    ['objectApiName', 'listViewApiName', 'pageSize'],
    async ({ objectApiName, listViewApiName, pageSize = 50 }) => {
        const list = lists.find((one) => one.object === objectApiName && one.name === listViewApiName);
        if (!list) throw problem(`The list view ${listViewApiName} is not there, or you don't have access to it.`, 404);
        const { records } = await get(`query?q=${encodeURIComponent(`${await queryOf(list)} LIMIT ${sized(pageSize) + 1}`)}`);
        const shown = records.slice(0, pageSize);
        return {
            count: shown.length,
            listReference: { objectApiName, listViewApiName },
            nextPageToken: records.length > pageSize ? String(pageSize) : null,
            records: shown.map((record) => ({ apiName: objectApiName, id: record.Id, fields: {} }))
        };
    }
);
