const PATHS = {
  pin: "M9 3h6l-.8 7 3.3 3.2V15H13v6l-1 1-1-1v-6H6.5v-1.8L9.8 10 9 3Z",
  muted:
    "M4.3 3 21 19.7 19.7 21l-3-3H4v-2l2-2v-4c0-.7.1-1.4.3-2L3 4.3 4.3 3ZM12 2a1.5 1.5 0 0 1 1.5 1.7A6 6 0 0 1 18 10v4l.4.4L8.8 4.8c.5-.5 1.1-.9 1.7-1.1A1.5 1.5 0 0 1 12 2Zm-2 17h4a2 2 0 0 1-4 0Z",
  archive: "M3 4h18v5h-1v11H4V9H3V4Zm2 2v1h14V6H5Zm1 3v9h12V9H6Zm3 2h6v2H9v-2Z",
  clip: "M16.5 6v10.5a4.5 4.5 0 0 1-9 0V5a3 3 0 0 1 6 0v10.5a1.5 1.5 0 0 1-3 0V6H9v9.5a3 3 0 0 0 6 0V5A4.5 4.5 0 0 0 6 5v11.5a6 6 0 0 0 12 0V6h-1.5Z",
  up: "M2 21h4V9H2v12Zm20-11a2 2 0 0 0-2-2h-6l.9-4.4v-.3c0-.4-.2-.8-.4-1L13.4 1 7 7.6c-.4.4-.6.9-.6 1.4v10a2 2 0 0 0 2 2h9a2 2 0 0 0 1.8-1.2l3-7c.1-.2.2-.5.2-.8v-2Z",
  down: "M22 3h-4v12h4V3ZM2 14a2 2 0 0 0 2 2h6l-.9 4.4v.3c0 .4.2.8.4 1l1.1 1.3 6.4-6.6c.4-.4.6-.9.6-1.4V5a2 2 0 0 0-2-2h-9a2 2 0 0 0-1.8 1.2l-3 7c-.1.2-.2.5-.2.8v2Z",
  again: "M12 4V1L7.5 5.5 12 10V6.7a5.8 5.8 0 1 1-5.8 5.8H4A8 8 0 1 0 12 4Z",
  clock:
    "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Zm0 2a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm-1 2h2v4.6l3.2 3.2-1.4 1.4L11 12.4V7Z",
} as const;

/** A small picture in the colour of the text. Without a label it says nothing to a screen reader. */
export function icon(name: keyof typeof PATHS, label = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  if (label === "") svg.setAttribute("aria-hidden", "true");
  else {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = label;
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    svg.append(title);
  }
  svg.append(path);
  return svg;
}
