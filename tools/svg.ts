// What the pictures of energies over time have in common, as SVG.

export const INK = "#1f2933";
export const FAINT = "#9aa5b1";

const escapeXml = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** @param style further attributes. */
export function text(x: number, y: number, content: string, style = ""): string {
  return `<text x="${x}" y="${y}" fill="${INK}" ${style}>${escapeXml(content)}</text>`;
}

/** The smallest of 1, 2, 5 times a power of ten, Wh, that holds the largest energy. */
export function scaleTop(largest_Wh: number): number {
  for (let power = 10; power < Number.MAX_SAFE_INTEGER; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= largest_Wh) return step * power;
  }
  return Number.MAX_SAFE_INTEGER;
}

/** A whole document on white, of this size in px. */
export function document(width: number, height: number, elements: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...elements,
    "</svg>",
    "",
  ].join("\n");
}
