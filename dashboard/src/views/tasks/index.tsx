/** The tasks view; open. */
import { Empty } from "../../ui/empty";

export default function View() {
  return <Empty title="This view is not built yet" />;
}
