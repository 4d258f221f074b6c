/** Where the cells of the heatmap are: a pure layout of groups in columns, and what is under a point. */

export interface Cell {
  name: string;
  x: number;
  y: number;
}

export interface Label {
  text: string;
  x: number;
  y: number;
  width: number;
}

export interface Layout {
  cells: readonly Cell[];
  labels: readonly Label[];
  size: number;
  height: number;
}

const GAP = 2;
const HEAD = 18;
const BETWEEN = 12;

/** The side of a cell that shows *many* agents without losing them: large for few, small for thousands. */
export function cellSize(many: number): number {
  if (many <= 300) return 26;
  if (many <= 1_500) return 18;
  if (many <= 4_000) return 13;
  return 10;
}

/** Lay *groups* out from left to right, each as a block of cells under its name. */
export function lay(
  groups: ReadonlyArray<readonly [string, readonly string[]]>,
  width: number,
): Layout {
  const many = groups.reduce((sum, [, names]) => sum + names.length, 0);
  const size = cellSize(many);
  const step = size + GAP;
  const cells: Cell[] = [];
  const labels: Label[] = [];
  let x = 0;
  let y = 0;
  let row = 0;
  for (const [text, names] of groups) {
    const most = Math.max(1, Math.floor(width / step));
    const across = Math.min(
      most,
      Math.max(Math.ceil(96 / step), Math.ceil(Math.sqrt(names.length * 2))),
    );
    const down = Math.ceil(names.length / across);
    const wide = across * step;
    if (x > 0 && x + wide > width) {
      x = 0;
      y += row + BETWEEN;
      row = 0;
    }
    labels.push({ text, x, y, width: wide - GAP });
    names.forEach((name, index) => {
      cells.push({
        name,
        x: x + (index % across) * step,
        y: y + HEAD + Math.floor(index / across) * step,
      });
    });
    row = Math.max(row, HEAD + down * step);
    x += wide + BETWEEN;
  }
  return { cells, labels, size, height: y + row + 2 };
}

/** An index of cells by place, so that the one under the pointer is found at once. */
export function indexOf(layout: Layout): (x: number, y: number) => Cell | null {
  const buckets = new Map<number, Cell[]>();
  const key = (x: number, y: number) => Math.floor(y / 64) * 4_096 + Math.floor(x / 64);
  for (const cell of layout.cells) {
    for (const at of new Set([
      key(cell.x, cell.y),
      key(cell.x + layout.size, cell.y),
      key(cell.x, cell.y + layout.size),
      key(cell.x + layout.size, cell.y + layout.size),
    ])) {
      const bucket = buckets.get(at);
      if (bucket) bucket.push(cell);
      else buckets.set(at, [cell]);
    }
  }
  return (x, y) =>
    buckets
      .get(key(x, y))
      ?.find(
        (cell) =>
          x >= cell.x &&
          x < cell.x + layout.size + GAP &&
          y >= cell.y &&
          y < cell.y + layout.size + GAP,
      ) ?? null;
}
