/** A titled surface. */
import { type ReactNode, useId } from "react";

export function Panel({
  title,
  aside,
  children,
  flush = false,
  className = "",
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  /** Without padding, for tables and lists. */
  flush?: boolean;
  className?: string;
}) {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      <div className={flush ? "" : "body"}>{children}</div>
    </section>
  );
}
