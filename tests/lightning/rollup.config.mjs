import path from 'node:path';
import lwc from '@lwc/rollup-plugin';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import replace from '@rollup/plugin-replace';
import { readPackage } from './package.mjs';
import { salesforce } from './salesforce.mjs';

const here = import.meta.dirname;
const folder = path.resolve(process.env.PACKAGE ?? path.join(here, '../../force-app'));
const wanted = readPackage(folder);
const isBase = (warning) => /lightning-base-components/.test(`${warning.message}${warning.id ?? ''}${warning.loc?.file ?? ''}`);

export default {
    input: path.join(here, 'src/main.js'),
    output: {
        dir: process.env.OUT ?? path.join(here, '../../target/lightning'),
        format: 'esm',
        entryFileNames: 'app.js',
        chunkFileNames: 'chunk-[hash].js'
    },
    onwarn(warning, report) {
        if (['CIRCULAR_DEPENDENCY', 'THIS_IS_UNDEFINED'].includes(warning.code) || isBase(warning)) return;
        // A component that can't be resolved would be a broken page, not a warning.
        if (['UNRESOLVED_IMPORT', 'MISSING_EXPORT', 'PLUGIN_WARNING'].includes(warning.code)) throw new Error(warning.message);
        report(warning);
    },
    plugins: [
        salesforce(here, wanted),
        {
            // The base components ask for ElementInternals, which synthetic shadow refuses: they get an inert one.
            name: 'inert-internals',
            transform(code, id) {
                if (!id.includes('lightning-base-components') || !code.includes('this.attachInternals()')) return null;
                const inert = '({setFormValue(){},setValidity(){},states:new Set(),shadowRoot:null})';
                return { code: code.replaceAll('this.attachInternals()', inert), map: null };
            }
        },
        {
            // force-app has no modules of its own: bare names are looked up from here.
            name: 'from-here',
            async resolveId(id, importer, options) {
                if (!importer || importer.startsWith(here) || importer.includes('node_modules') || /^[./\0]/.test(id)) return null;
                return this.resolve(id, path.join(here, 'src/main.js'), { ...options, skipSelf: true });
            }
        },
        replace({ 'process.env.NODE_ENV': JSON.stringify('development'), 'import.meta.env.SSR': 'false', preventAssignment: true }),
        lwc({
            rootDir: here,
            enableDynamicComponents: true,
            enableLwcSpread: true,
            disableSyntheticShadowSupport: false,
            modules: [
                ...Object.entries(wanted.bundles).map(([name, bundle]) => ({ name: `c/${name}`, path: bundle.file })),
                { dir: path.join(here, 'stubs') },
                { npm: 'lightning-base-components' }
            ]
        }),
        nodeResolve({ browser: true })
    ]
};
