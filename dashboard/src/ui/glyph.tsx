/** Shapes that say what colours say, for who cannot tell the colours apart. Decorative: a word is beside each. */
export type Shape =
  | "disc"
  | "ring"
  | "triangle"
  | "square"
  | "diamond"
  | "cross"
  | "play"
  | "check"
  | "pause"
  | "dash"
  | "clock"
  | "question"
  | "slash";

const PATHS: Readonly<Record<Shape, { d: string; fill?: boolean }>> = {
  disc: { d: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11z", fill: true },
  ring: { d: "M8 3a5 5 0 1 0 0 10a5 5 0 0 0 0-10z" },
  triangle: { d: "M8 2l6.4 11.5H1.6z", fill: true },
  square: { d: "M3 3h10v10H3z", fill: true },
  diamond: { d: "M8 1.5L14.5 8L8 14.5L1.5 8z", fill: true },
  cross: { d: "M3.5 3.5l9 9M12.5 3.5l-9 9" },
  play: { d: "M4 2.5l9.5 5.5L4 13.5z", fill: true },
  check: { d: "M2.5 8.5l3.6 3.8L13.5 4" },
  pause: { d: "M4 3h3v10H4zM9 3h3v10H9z", fill: true },
  dash: { d: "M3 8h10" },
  clock: { d: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11zM8 5v3.2l2.2 1.6" },
  question: { d: "M5.4 6a2.7 2.7 0 1 1 3.9 2.5c-.9.5-1.3.9-1.3 1.9M8 12.9v.2" },
  slash: { d: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11zM4.2 4.2l7.6 7.6" },
};

export function Glyph({ shape, size = 11 }: { shape: Shape; size?: number }) {
  const { d, fill } = PATHS[shape];
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={d}
        fill={fill ? "currentColor" : "none"}
        stroke={fill ? "none" : "currentColor"}
        strokeWidth="2.2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
