/** A page's style sheet, imported for the bundler's sake: it lies beside the page's script then. */
declare module "*.css";
