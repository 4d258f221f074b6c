/** A view that fails takes down itself only, and says so. */
import { Component, type ErrorInfo, type ReactNode } from "react";
import { Empty, Fault } from "../ui/empty";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error("a view failed", error, info.componentStack);
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    if (!/module|import|preload/i.test(error.message)) {
      return <Fault error={error} retry={() => this.setState({ error: null })} />;
    }
    // Its file did not come: the server is away, or another version is there since. Only a new page asks again.
    return (
      <Empty title="This view could not be loaded">
        <p>The server may be away, or may have been renewed since this page was opened.</p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Load the page anew
        </button>
      </Empty>
    );
  }
}
