// `lightning/empApi`: the org's own bus, each delivery counted as one.

let next = 1;
const failed = [];

export const isEmpEnabled = async () => true;

export function subscribe(channel, replayId, hear) {
    const url = `/lightning/api/${window.__who}/events?channel=${encodeURIComponent(channel)}&replay=${replayId}`;
    const source = new EventSource(url);
    const subscription = { id: next++, channel, replayId };
    Object.defineProperty(subscription, 'source', { value: source });
    source.onmessage = (message) => hear(JSON.parse(message.data));
    window.__subscriptions = (window.__subscriptions ?? 0) + 1;
    return new Promise((done, fail) => {
        source.onopen = () => done(subscription);
        source.onerror = () => {
            if (source.readyState !== EventSource.CLOSED) return;
            const error = { error: { message: `The subscription to ${channel} was refused.` } };
            failed.forEach((report) => report(error));
            fail(error);
        };
    });
}

export async function unsubscribe(subscription, hear) {
    if (subscription.source.readyState !== EventSource.CLOSED) window.__subscriptions -= 1;
    subscription.source.close();
    hear?.({ id: subscription.id, channel: subscription.channel, successful: true });
}

export const onError = (report) => failed.push(report);
export const setDebugFlag = () => {};
