/** A link's address when it leads to the web or to mail, else nothing: `javascript:`, `data:` and what has no scheme go nowhere. Pure. */
export function safeAddress(address: string): string {
  // Browsers leave out control characters before they read the scheme.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const bare = address.replace(/[\u0000-\u0020\u007f]/g, "");
  return /^(https?:\/\/|mailto:)/i.test(bare) ? bare : "";
}
