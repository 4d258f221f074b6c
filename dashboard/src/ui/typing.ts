/** What is typed is asked for at once, but no more often than a server should be asked. */
import { useEffect, useRef, useState } from "react";

const TYPING_MS = 80;

/** A text that is typed here and kept by *onChange*; *value* is what is kept. */
export function useTyping(
  value: string,
  onChange: (text: string) => void,
): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const said = useRef({ text: value, atMs: 0 });
  useEffect(() => {
    if (value !== said.current.text) setText(value);
    said.current.text = value;
  }, [value]);
  useEffect(() => {
    if (text === said.current.text) return;
    const say = () => {
      said.current = { text, atMs: performance.now() };
      onChange(text);
    };
    const timer = window.setTimeout(say, said.current.atMs + TYPING_MS - performance.now());
    return () => window.clearTimeout(timer);
  });
  return [text, setText];
}
