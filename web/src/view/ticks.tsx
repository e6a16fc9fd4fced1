// What has become of an own message: a sign for the eye, and the words.
import type { JSX } from "preact";
import type { State } from "../model/history";
import { Clock, Done, Fault, Tray, Twice } from "./icons";

const SAYS: Record<State, { text: string; sign: () => JSX.Element }> = {
  unsent: { text: "Writing", sign: Clock },
  queued: { text: "Queued here", sign: Clock },
  accepted: { text: "Kept by the server", sign: Done },
  archived: { text: "Kept, waits for them", sign: Tray },
  acked: { text: "Received", sign: Twice },
  expired: { text: "Expired unread", sign: Fault },
  dead: { text: "Rejected by them", sign: Fault },
  purged: { text: "Deleted on the server", sign: Fault },
  refused: { text: "Refused", sign: Fault },
};

export function Ticks({ state, why }: { state: State; why?: string | undefined }) {
  const { text, sign: Sign } = SAYS[state];
  return (
    <span class={`ticks is-${state}`} data-state={state}>
      <Sign />
      <span class="ticks-text">{why ? `${text}: ${why}` : text}</span>
    </span>
  );
}
