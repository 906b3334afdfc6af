const lwc = require('@salesforce/eslint-config-lwc');

module.exports = [
    ...lwc.configs.recommended.map((config) => ({ ...config, files: ['force-app/**/lwc/**/*.js'] })),
    {
        files: ['force-app/**/__tests__/**/*.js'],
        languageOptions: {
            globals: {
                afterEach: 'readonly',
                beforeEach: 'readonly',
                describe: 'readonly',
                expect: 'readonly',
                it: 'readonly',
                jest: 'readonly'
            }
        }
    }
];
