// The host that mirrored requests carry (source/common/router/shadow_writer_impl.cc): servers can tell them from real ones.

/** `a.example:80` becomes `a.example-shadow:80`; `keepHost` is disable_shadow_host_suffix_append. */
export function mirrorAuthority(authority: string, keepHost: boolean): string {
  if (keepHost) return authority;
  const colon = portStart(authority);
  return `${authority.slice(0, colon)}-shadow${authority.slice(colon)}`;
}

/** The colon before a port, or the end. */
function portStart(authority: string): number {
  const colon = authority.lastIndexOf(":");
  return colon > authority.lastIndexOf("]") ? colon : authority.length;
}
