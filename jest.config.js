const { jestConfig } = require('@salesforce/sfdx-lwc-jest/config');

module.exports = {
    ...jestConfig,
    roots: ['<rootDir>/force-app'],
    setupFilesAfterEnv: ['<rootDir>/tests/metadata/jest-mocks/setup.js'],
    moduleNameMapper: {
        ...jestConfig.moduleNameMapper,
        '^lightning/(actions|navigation|uiListsApi)$': '<rootDir>/tests/metadata/jest-mocks/lightning/$1'
    }
};
