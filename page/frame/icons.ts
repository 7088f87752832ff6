const PATHS = {
  pin: "M9 3h6l-.8 7 3.3 3.2V15H13v6l-1 1-1-1v-6H6.5v-1.8L9.8 10 9 3Z",
  muted:
    "M4.3 3 21 19.7 19.7 21l-3-3H4v-2l2-2v-4c0-.7.1-1.4.3-2L3 4.3 4.3 3ZM12 2a1.5 1.5 0 0 1 1.5 1.7A6 6 0 0 1 18 10v4l.4.4L8.8 4.8c.5-.5 1.1-.9 1.7-1.1A1.5 1.5 0 0 1 12 2Zm-2 17h4a2 2 0 0 1-4 0Z",
  archive: "M3 4h18v5h-1v11H4V9H3V4Zm2 2v1h14V6H5Zm1 3v9h12V9H6Zm3 2h6v2H9v-2Z",
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
