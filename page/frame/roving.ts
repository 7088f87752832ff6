/**
 * Makes a group one tab stop, with arrow keys moving within it, as keyboard users expect of lists and tabs.
 *
 * @param selector selects the descendants that the arrow keys reach
 */
export function rove(
  group: HTMLElement,
  selector: string,
  { vertical, onMove }: { vertical: boolean; onMove?: (element: HTMLElement) => void },
) {
  const [back, forth] = vertical ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  const members = () => [...group.querySelectorAll(selector)] as HTMLElement[];

  group.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const all = members();
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (at === -1) return;
    const to = { [back]: at - 1, [forth]: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(to, 0), all.length - 1)];
    next?.focus();
    if (next !== undefined) onMove?.(next);
  });
  group.addEventListener("focusin", (event) => {
    if (members().includes(event.target as HTMLElement)) settle(event.target as HTMLElement);
  });

  /**
   * @param current the element that Tab reaches; by default the selected one or the first
   */
  const settle = (current?: HTMLElement) => {
    const all = members();
    const one =
      current ??
      all.find((member) => member.matches('[aria-current="true"], [aria-selected="true"]')) ??
      all[0];
    for (const member of all) member.tabIndex = member === one ? 0 : -1;
  };
  return { settle };
}
