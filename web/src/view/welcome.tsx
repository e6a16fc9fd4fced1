import { me } from "../model/chat";
import { linkForAnother } from "../model/place";
import { CopyButton } from "./me";
import { Window } from "./icons";

/** What there is to see before there is a conversation. */
export function Welcome() {
  const id = me.value ?? "";
  return (
    <section class="welcome">
      <h1>No message gets lost here.</h1>
      <p class="lead">Not by a tunnel, a closed laptop or a server that crashes. See for yourself, in a minute:</p>
      <ol class="steps">
        <li>
          <h2>Be two people</h2>
          <p>Open a second person beside this window, and write to yourself from there.</p>
          <a class="button" href={linkForAnother(id)} target="_blank" rel="noopener">
            <Window /> Open a second person
          </a>
        </li>
        <li>
          <h2>Go offline, and write on</h2>
          <p>Flip the switch, write from both sides, even reload. Yours is queued here, theirs waits on the server.</p>
        </li>
        <li>
          <h2>Come back</h2>
          <p>Everything arrives, in order, once. The ticks say what the server knows: kept, waiting, received.</p>
        </li>
      </ol>
      <p class="welcome-id">
        Or give somebody your ID: <code>{id}</code> <CopyButton text={id} label="Copy your ID to share" />
      </p>
    </section>
  );
}
