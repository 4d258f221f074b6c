/** Where a token becomes a session of this browser. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { session } from "../../api/endpoints";
import { Problem } from "../../api/problem";
import { Field } from "../../ui/field";
import "./signin.css";

export default function SignIn() {
  const cache = useQueryClient();
  const [fault, setFault] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  const signIn = async (token: string) => {
    setBusy(true);
    try {
      cache.setQueryData(["session"], await session.signIn(token));
    } catch (error) {
      setFault(error instanceof Problem ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="signin">
      <form
        className="panel"
        onSubmit={(event) => {
          event.preventDefault();
          void signIn(String(new FormData(event.currentTarget).get("token") ?? "").trim());
        }}
      >
        <div className="body stack">
          <p className="brand">
            <img src="/icon.svg" alt="" width={28} height={28} /> fleetbus
          </p>
          <h1>Sign in</h1>
          <Field label="Token" fault={fault}>
            {/* A password field, so that nobody reads it over a shoulder. */}
            <input
              className="input mono"
              name="token"
              type="password"
              required
              placeholder="fb_…"
              autoComplete="current-password"
            />
          </Field>
          <button type="submit" className="button primary" disabled={busy}>
            {busy ? "Asking …" : "Sign in"}
          </button>
          <p className="soft small">
            <code>fleetbus up</code> prints a link that signs in once. A token for another person or
            a program is made with
            <br />
            <code>fleetbus token create --scope operate</code>
          </p>
        </div>
      </form>
    </main>
  );
}
