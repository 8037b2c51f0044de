/** The version of package.json, which a deployed function does not carry. */
export const version = '0.1.0';
