/** As in package.json, which no runtime but Node can be counted on to find. */
export const version = "0.1.0"
