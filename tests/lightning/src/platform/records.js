// `lightning/uiRecordApi`: records read over REST with the person's own rights, and read again when they may have changed.

const open = new Set();

const nameOf = (field) => (typeof field === 'string' ? field : `${field.objectApiName}.${field.fieldApiName}`);

async function read(recordId, fields, optionalFields) {
    const named = [...fields, ...optionalFields].map(nameOf);
    const object = named[0].split('.')[0];
    const answer = await fetch(`/lightning/api/${window.__who}/data/sobjects/${object}/${recordId}`);
    const body = await answer.json();
    if (!answer.ok) throw { body: { message: body[0]?.message ?? `${answer.status}`, statusCode: answer.status }, status: answer.status, ok: false };
    const record = { apiName: object, id: body.Id, fields: {} };
    for (const full of named) {
        const [, field, ...path] = full.split('.');
        if (path.length > 0) throw new Error(`${full}: fields of a parent record are not modelled in the sandbox's getRecord`);
        // A field that the person may not read is left out of the answer.
        if (!(field in body)) {
            if (optionalFields.map(nameOf).includes(full)) continue;
            throw { body: { message: `You don't have access to the field ${full}, or it does not exist.`, statusCode: 400 }, status: 400, ok: false };
        }
        record.fields[field] = {
            value: body[field],
            get displayValue() {
                throw new Error('displayValue is not modelled in the sandbox; use a formatted base component');
            }
        };
    }
    return record;
}

export class getRecord {
    constructor(emit) {
        this.emit = emit;
    }
    connect() {
        open.add(this);
    }
    disconnect() {
        open.delete(this);
    }
    async update(config) {
        const unknown = Object.keys(config).filter((key) => !['recordId', 'fields', 'optionalFields'].includes(key));
        if (unknown.length > 0) throw new Error(`getRecord: ${unknown.join(', ')} is not modelled in the sandbox; name the fields`);
        this.config = config;
        await this.read();
    }
    async read() {
        const { recordId, fields = [], optionalFields = [] } = this.config ?? {};
        if (!recordId || fields.length + optionalFields.length === 0) return;
        let result;
        try {
            result = { data: await read(recordId, fields, optionalFields), error: undefined };
        } catch (error) {
            result = { data: undefined, error };
        }
        // As the platform: what did not change is not handed over again.
        const text = JSON.stringify(result.data ? Object.entries(result.data.fields).map(([key, field]) => [key, field.value]) : result.error);
        if (text === this.last || !open.has(this)) return;
        this.last = text;
        this.emit(result);
    }
}

export const getFieldValue = (record, field) => record?.fields?.[nameOf(field).split('.')[1]]?.value;

export async function notifyRecordUpdateAvailable(records) {
    const ids = records.map((record) => record.recordId);
    window.dispatchEvent(new CustomEvent('recordschanged', { detail: ids }));
    await Promise.all([...open].filter((wire) => ids.includes(wire.config?.recordId)).map((wire) => wire.read()));
}

export const getRecordNotifyChange = notifyRecordUpdateAvailable;
