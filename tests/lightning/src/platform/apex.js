// `@salesforce/apex`: calls reach the org's own Apex, as the person that the page is open for.

const wires = new WeakMap();

async function call(type, name, parameters = {}) {
    const answer = await fetch(`/lightning/api/${window.__who}/apex/${type}/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(parameters)
    });
    const text = await answer.text();
    const body = text ? JSON.parse(text) : undefined;
    if (!answer.ok) {
        // What a component's catch gets from the platform.
        throw Object.assign(new Error(body?.message), { body: body ?? { message: `${answer.status}` }, status: answer.status, ok: false });
    }
    // Null arrives as null, and nothing as undefined.
    return body;
}

/** One Apex method, callable and wirable. */
export function method(type, name) {
    const callable = (parameters) => call(type, name, parameters);
    callable.adapter = class {
        constructor(emit) {
            this.emit = emit;
        }
        connect() {
            this.isConnected = true;
        }
        disconnect() {
            this.isConnected = false;
        }
        async update(parameters) {
            if (Object.values(parameters ?? {}).some((value) => value === undefined)) return;
            this.parameters = parameters;
            await this.read();
        }
        async read() {
            let result;
            try {
                result = { data: await callable(this.parameters), error: undefined };
            } catch (error) {
                result = { data: undefined, error };
            }
            if (!this.isConnected) return;
            wires.set(result, this);
            this.emit(result);
        }
    };
    return callable;
}

export async function refreshApex(result) {
    const wire = wires.get(result);
    if (!wire) throw new Error('refreshApex takes the whole object that a wire to an Apex method gave');
    await wire.read();
}
