/** What is around every view: places, the bar with how fresh everything is, keys, palette, dialogs. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useMemo, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { plan } from "../api/endpoints";
import { KeyboardHelp } from "../keyboard/help";
import { useKeyboard } from "../keyboard/hooks";
import { useFleet, useLink } from "../live/hooks";
import { isStale } from "../live/link";
import { AgentView, CreateTask, Palette, PLACES, RegisterAgent, TaskView } from "../routes";
import { Empty, Loading } from "../ui/empty";
import { Icon } from "../ui/icon";
import { Banner } from "./banner";
import { Bar } from "./bar";
import { ErrorBoundary } from "./boundary";
import { Places } from "./places";
import "./shell.css";
import { type Open, ShellContext } from "./context";
import { ZoneContext } from "./zone";

export function Shell() {
  const [open, setOpen] = useState<Open | null>(null);
  const [location, navigate] = useLocation();
  const link = useLink();
  const beat = useFleet((fleet) => fleet.beat);
  const version = useFleet((fleet) => fleet.summary?.plan_version ?? 0);
  const inForce = useQuery({
    queryKey: ["plan", "zone", version],
    queryFn: plan.show,
    staleTime: 60_000,
  });
  const zone = String(inForce.data?.data.plan.timezone ?? "UTC");
  const stale = isStale(link, beat);
  const place = PLACES.find((one) => one.path === location);

  useEffect(() => {
    const name = place?.name ?? decodeURIComponent(location.split("/").pop() ?? "");
    document.title = `${name} · fleetbus`;
  }, [place, location]);

  useKeyboard((heard) => {
    switch (heard.kind) {
      case "go": {
        const to = PLACES.find((one) => one.key === heard.key);
        if (to) navigate(to.path);
        return;
      }
      case "palette":
        setOpen((now) => (now === "palette" ? null : "palette"));
        return;
      case "help":
        setOpen("help");
        return;
      case "create":
        setOpen("create");
        return;
      case "search": {
        const field = document.querySelector<HTMLInputElement>("input[type=search]");
        if (field) field.focus();
        else setOpen("palette");
        return;
      }
    }
  });

  const shell = useMemo(() => ({ open: setOpen }), []);
  const close = () => setOpen(null);
  return (
    <ShellContext.Provider value={shell}>
      <ZoneContext.Provider value={zone}>
        <a className="skip" href="#main">
          Skip to the view
        </a>
        <div className="shell" data-stale={stale}>
          <Places />
          <Bar />
          <main id="main" tabIndex={-1}>
            <Banner />
            <ErrorBoundary key={location}>
              <Suspense fallback={<Loading what="the view" />}>
                <Switch>
                  {PLACES.map((one) => (
                    <Route key={one.path} path={one.path} component={one.view} />
                  ))}
                  <Route path="/agents/:name" component={AgentView} />
                  <Route path="/tasks/:id" component={TaskView} />
                  <Route>
                    <Empty title="There is nothing here">
                      <Link href="/">Go to Now</Link>
                    </Empty>
                  </Route>
                </Switch>
              </Suspense>
            </ErrorBoundary>
          </main>
        </div>
        <Suspense>
          {open === "palette" ? <Palette onClose={close} /> : null}
          {open === "create" ? <CreateTask onClose={close} /> : null}
          {open === "register" ? <RegisterAgent onClose={close} /> : null}
        </Suspense>
        {open === "help" ? <KeyboardHelp onClose={close} /> : null}
        <button
          type="button"
          className="button primary create-floating"
          aria-label="Create a task"
          onClick={() => setOpen("create")}
        >
          <Icon name="plus" size={22} />
        </button>
      </ZoneContext.Provider>
    </ShellContext.Provider>
  );
}
