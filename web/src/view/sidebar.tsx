import { useSignal } from "@preact/signals";
import { connection, leads, loading, members, online, open, opened, queued, setOffline, sorted } from "../model/chat";
import { short } from "../model/body";
import type { Talk } from "../model/history";
import { person } from "../model/place";
import { Avatar } from "./avatar";
import { Plus } from "./icons";
import { Me } from "./me";
import { NewTalk } from "./new-talk";
import { when } from "./when";

export function Sidebar() {
  const isAdding = useSignal(false);
  return (
    <aside class="sidebar" aria-label="You and your conversations">
      <header class="brand">
        <p class="brand-name">
          ackd <span>chat{person && ` · ${person}`}</span>
        </p>
        <Status />
      </header>
      <Me />
      <nav class="talks" aria-label="Conversations">
        <div class="talks-head">
          <h2>Conversations</h2>
          <button class="bare" type="button" aria-label="New conversation" onClick={() => (isAdding.value = true)}>
            <Plus />
          </button>
        </div>
        {!loading.value && sorted.value.length === 0 && <p class="talks-empty">None yet. Give somebody your ID, or enter theirs with +.</p>}
        <ul>
          {sorted.value.map((talk) => (
            <li key={talk.key}>
              <Entry talk={talk} />
            </li>
          ))}
        </ul>
      </nav>
      <OfflineSwitch />
      {isAdding.value && <NewTalk close={() => (isAdding.value = false)} />}
    </aside>
  );
}

const WORDS = { connecting: "Connecting", online: "Online", offline: "Reconnecting", paused: "Offline", stopped: "Stopped", closed: "Closed" };

function Status() {
  return (
    <span class={`status is-${connection.value}`} role="status" data-connection={connection.value} data-leads={leads.value}>
      {WORDS[connection.value]}
    </span>
  );
}

function Entry({ talk }: { talk: Talk }) {
  const isHere = talk.kind === "person" && connection.value === "online" && online.value.has(talk.id);
  const count = members.value.get(talk.id)?.size ?? 0;
  return (
    <button class="entry" type="button" aria-current={opened.value === talk.key ? "true" : undefined} onClick={() => void open(talk.key)}>
      <Avatar id={talk.id} name={talk.name} room={talk.kind === "room"} online={isHere} />
      <span class="entry-main">
        <span class="entry-name">
          {talk.name ?? short(talk.id)}
          {isHere && <span class="unseen">, online</span>}
        </span>
        <span class="entry-last">{talk.last || (talk.kind === "room" ? `${count} here` : "No messages yet")}</span>
      </span>
      <span class="entry-side">
        <time dateTime={new Date(talk.at).toISOString()}>{when(talk.at)}</time>
        {talk.unread > 0 && (
          <span class="badge">
            {talk.unread > 999 ? "999+" : talk.unread}
            <span class="unseen"> unread</span>
          </span>
        )}
      </span>
    </button>
  );
}

function OfflineSwitch() {
  const isOff = connection.value === "paused";
  return (
    <div class="offline">
      <button class="switch" type="button" role="switch" aria-checked={isOff} onClick={() => setOffline(!isOff)}>
        <span class="switch-track" aria-hidden="true" />
        Go offline
      </button>
      <span class="offline-count" aria-live="polite">
        {queued.value > 0 && `${queued.value} queued`}
      </span>
    </div>
  );
}
