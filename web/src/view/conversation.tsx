import { useLayoutEffect, useRef } from "preact/hooks";
import { connection, members, online, open, rows, talk } from "../model/chat";
import { short } from "../model/body";
import type { Row, Talk } from "../model/history";
import { Avatar } from "./avatar";
import { Composer } from "./composer";
import { Back, Down } from "./icons";
import { Message } from "./message";
import { dayOf, isSameDay } from "./when";

export function Conversation() {
  const current = talk.value;
  if (!current) return null;
  return (
    <section class="talk" aria-label={current.name ?? current.id} key={current.key}>
      <Head talk={current} />
      <Messages talk={current} />
      <Composer talk={current} />
    </section>
  );
}

function Head({ talk }: { talk: Talk }) {
  const here = members.value.get(talk.id);
  const isHere = connection.value === "online" && online.value.has(talk.id);
  const away = connection.value === "online" ? "Away: what you write waits for them" : "Not known while you are offline";
  const person = isHere ? "Online" : away;
  const room = `${talk.durable ? "Durable" : "Live"} room${connection.value === "online" ? ` · ${here?.size ?? 0} here` : ""}`;
  return (
    <header class="talk-head">
      <button class="bare talk-back" type="button" aria-label="All conversations" onClick={() => void open(null)}>
        <Back />
      </button>
      <Avatar id={talk.id} name={talk.name} room={talk.kind === "room"} online={talk.kind === "person" && isHere} />
      <div class="talk-title">
        <h1 title={talk.id}>{talk.name ?? short(talk.id)}</h1>
        <p class={talk.kind === "person" && isHere ? "is-here" : ""} title={here ? [...here].join(", ") : ""}>
          {talk.kind === "room" ? room : person}
        </p>
      </div>
    </header>
  );
}

const NEAR_END = 80;

function Messages({ talk }: { talk: Talk }) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const heldFrom = useRef<{ key: string; top: number } | null>(null);
  const shown = rows.rows.value;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const held = heldFrom.current && element.querySelector<HTMLElement>(`[data-key="${heldFrom.current.key}"]`);
    if (held && heldFrom.current) element.scrollTop += held.offsetTop - heldFrom.current.top;
    else if (isAtEnd.current && rows.isLatest.value) element.scrollTop = element.scrollHeight;
    heldFrom.current = null;
  }, [shown]);

  const earlier = async () => {
    const first = box.current?.querySelector<HTMLElement>("[data-key]");
    if (first?.dataset.key) heldFrom.current = { key: first.dataset.key, top: first.offsetTop };
    isAtEnd.current = false;
    await rows.earlier();
  };
  const latest = async () => {
    isAtEnd.current = true;
    await rows.latest();
  };
  const onScroll = () => {
    const element = box.current;
    if (element) isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END;
  };

  return (
    <div class="messages" ref={box} role="log" aria-label="Messages" tabIndex={0} onScroll={onScroll}>
      {rows.hasEarlier.value && (
        <button class="button is-quiet" type="button" onClick={() => void earlier()}>
          Earlier messages
        </button>
      )}
      {shown.length === 0 && !rows.isLoading.value && <p class="messages-empty">{talk.kind === "room" ? "Nothing here yet. Say something to the room." : "Nothing here yet. Say hello: it is kept until they have it."}</p>}
      <ol>{shown.map((row, index) => line(row, shown[index - 1], talk, index === shown.length - 1))}</ol>
      {!rows.isLatest.value && (
        <button class="button is-floating" type="button" onClick={() => void latest()}>
          <Down /> Newest messages
        </button>
      )}
    </div>
  );
}

const GROUP_MS = 5 * 60_000;

function line(row: Row, before: Row | undefined, talk: Talk, isLast: boolean) {
  const day = before && isSameDay(before.at, row.at) ? undefined : dayOf(row.at);
  const follows = !day && before?.from === row.from && before.mine === row.mine && row.at - before.at < GROUP_MS;
  return <Message key={row.key} row={row} day={day} follows={follows} named={talk.kind === "room" && !row.mine && !follows} isLast={isLast} />;
}
