module.exports = {
    printWidth: 120,
    tabWidth: 4,
    singleQuote: true,
    trailingComma: 'none',
    overrides: [{ files: '**/lwc/**/*.html', options: { parser: 'lwc' } }]
};
