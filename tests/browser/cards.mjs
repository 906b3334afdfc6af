// Stripe's test cards, by what they do.
export const CARDS = {
    good: '4242424242424242',
    threeDs: '4000002760003184',
    threeDsDeclined: '4000008400001629',
    declined: '4000000000000002',
    funds: '4000000000009995',
    lost: '4000000000009987',
    stolen: '4000000000009979',
    fraud: '4100000000000019',
    expired: '4000000000000069',
    code: '4000000000000127',
    passing: '4000000000000119',
    limit: '4000000000006975',
};
