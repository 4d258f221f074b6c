/** A view that fails takes down itself only, and says so. */
import { Component, type ErrorInfo, type ReactNode } from "react";
import { Fault } from "../ui/empty";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error("a view failed", error, info.componentStack);
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Fault error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}
