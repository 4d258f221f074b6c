/** Line icons of the places and controls; each stands beside a word or has a label of its own. */
const PATHS = {
  now: "M3 12h4l2.5-7 5 14 2.5-7h4",
  fleet: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  tasks: "M9 6h11M9 12h11M9 18h11M4 6l1 1 1.6-2M4 12l1 1 1.6-2M4 18l1 1 1.6-2",
  timeline: "M4 5h9M8 12h11M6 19h8M4 3v4M8 10v4M6 17v4",
  plan: "M5 4h14v16H5zM9 2v4M15 2v4M5 9h14M9 13h2M13 13h2M9 16h2",
  limits: "M4 17a8 8 0 1 1 16 0M12 17l4-5M12 17h.01",
  reliability: "M12 3l7 3v5c0 4.6-3 8-7 10-4-2-7-5.400-7-10V6zM9 12l2.200 2.200L15.500 10",
  events: "M5 5h14M5 10h14M5 15h9M5 20h6",
  alerts: "M6 16V11a6 6 0 1 1 12 0v5l1.500 2h-15zM10 21h4",
  search: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM16.500 16.500L21 21",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
  auto: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  help: "M9 9a3 3 0 1 1 4.400 2.700c-.9.500-1.400 1.100-1.400 2.100M12 17.500v.01",
  down: "M6 9l6 6 6-6",
  person: "M12 4a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM4.500 20a7.500 7.500 0 0 1 15 0",
  refresh: "M20 11a8 8 0 1 0-.7 4.500M20 5v6h-6",
  arrow: "M5 12h14M13 6l6 6-6 6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth={name === "more" ? 3 : 1.8}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
