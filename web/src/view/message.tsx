import { Component } from "preact";
import { again } from "../model/chat";
import { short } from "../model/body";
import type { Row } from "../model/history";
import { Ticks } from "./ticks";
import { clock } from "./when";

interface Props {
  row: Row;
  /** The day that begins with it. */
  day: string | undefined;
  /** Whether it goes on what its sender has just said. */
  follows: boolean;
  named: boolean;
  isLast: boolean;
}

/** How long a message of this page may be on its way to the outbox. */
const UNSENT_MS = 5_000;

export class Message extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { row, day, follows, named, isLast } = this.props;
    return row !== next.row || day !== next.day || follows !== next.follows || named !== next.named || isLast !== next.isLast;
  }

  override render({ row, day, follows, named, isLast }: Props) {
    const isForgotten = row.state === "unsent" && Date.now() - row.at > UNSENT_MS;
    return (
      <li class={`message ${row.mine ? "is-mine" : ""} ${follows ? "follows" : ""} ${isLast ? "is-last" : ""}`} data-key={row.key}>
        {day && <p class="day">{day}</p>}
        {named && <p class="message-from">{row.name ?? short(row.from)}</p>}
        <div class="bubble">
          <span class="unseen">{row.mine ? "You: " : ""}</span>
          <span class="text">{row.text}</span>
          <span class="message-side">
            <time dateTime={new Date(row.at).toISOString()}>{clock(row.at)}</time>
            {row.state && <Ticks state={row.state} why={row.why} />}
          </span>
        </div>
        {isForgotten && (
          <button class="button is-small" type="button" onClick={() => void again(row)}>
            Not sent. Send it again
          </button>
        )}
      </li>
    );
  }
}
