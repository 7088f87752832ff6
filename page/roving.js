/**
 * One tab stop for a group of things, arrow keys within: the way lists and tabs work for those who
 * use the keyboard alone.
 *
 * @param {HTMLElement} group
 * @param {string} selector which descendants take part
 * @param {{ vertical: boolean, onMove?: (element: HTMLElement) => void }} options
 */
export function rove(group, selector, { vertical, onMove }) {
  const [back, forth] = vertical ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  const members = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);

  group.addEventListener("keydown", (event) => {
    const all = members();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at === -1) return;
    const to = { [back]: at - 1, [forth]: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(to, 0), all.length - 1)];
    next?.focus();
    if (next !== undefined) onMove?.(next);
  });
  group.addEventListener("focusin", (event) => {
    if (members().includes(/** @type {HTMLElement} */ (event.target)))
      settle(/** @type {HTMLElement} */ (event.target));
  });

  /** @param {HTMLElement | undefined} [current] the one that Tab reaches; by default the marked or the first */
  const settle = (current) => {
    const all = members();
    const one =
      current ??
      all.find((member) => member.matches('[aria-current="true"], [aria-selected="true"]')) ??
      all[0];
    for (const member of all) member.tabIndex = member === one ? 0 : -1;
  };
  return { settle };
}
