// What the user has to know now: offline by choice, away by accident, and what went wrong.
import { connection, dismiss, notices, queued, setOffline, type Notice } from "../model/chat";
import { Close } from "./icons";

export function Notices() {
  return (
    <div class="notices">
      <div role="status">{connection.value === "paused" && <Paused />}{connection.value === "offline" && <Away />}</div>
      <div role="alert">
        {notices.value.map((notice) => (
          <Line key={notice.text} notice={notice} />
        ))}
      </div>
    </div>
  );
}

function Paused() {
  return (
    <div class="notice is-paused">
      <p>
        <strong>You are offline.</strong> {queued.value === 0 ? "Write anyway: it is kept here and goes out when you are back." : `${waits(queued.value)} here, to go out in order when you are back.`} What others write waits for you on the server.
      </p>
      <button class="button is-small" type="button" onClick={() => setOffline(false)}>
        Go online
      </button>
    </div>
  );
}

function Away() {
  return (
    <div class="notice is-away">
      <span class="spinner" aria-hidden="true" />
      <p>
        <strong>Reconnecting.</strong> {queued.value === 0 ? "Nothing is lost; write on." : `${waits(queued.value)} here.`}
      </p>
    </div>
  );
}

function waits(count: number): string {
  return count === 1 ? "One message waits" : `${count} messages wait`;
}

function Line({ notice }: { notice: Notice }) {
  return (
    <div class={`notice is-${notice.kind}`}>
      <p>{notice.text}</p>
      {notice.kind === "stopped" && (
        <button class="button is-small" type="button" onClick={() => location.reload()}>
          Try again
        </button>
      )}
      <button class="bare" type="button" aria-label="Dismiss" onClick={() => dismiss(notice)}>
        <Close />
      </button>
    </div>
  );
}
