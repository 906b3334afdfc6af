/** Stands in for lightning/navigation and keeps what was asked for. */
let last;

const Navigate = Symbol('Navigate');
const GenerateUrl = Symbol('GenerateUrl');

export const NavigationMixin = (Base) =>
    class extends Base {
        [Navigate](pageReference, replace) {
            last = { pageReference, replace };
        }
        [GenerateUrl](pageReference) {
            last = { pageReference };
            return Promise.resolve('https://org.example');
        }
    };
NavigationMixin.Navigate = Navigate;
NavigationMixin.GenerateUrl = GenerateUrl;

export const getNavigateCalledWith = () => last;
