import { useSignal } from "@preact/signals";
import { begin } from "../model/chat";
import { wanted } from "../model/place";
import { Dialog } from "./dialog";

type Kind = "person" | "live" | "durable";

const KINDS: { kind: Kind; label: string; about: string }[] = [
  { kind: "person", label: "A person", about: "Kept until they have it, for up to 30 days." },
  { kind: "live", label: "A live room", about: "For whoever is in it at the time." },
  { kind: "durable", label: "A durable room", about: "You stay a member while away, and read what you missed." },
];

/** What was entered may be a link of this page too. */
function idOf(text: string): string {
  const at = text.indexOf("#to=");
  return (at < 0 ? text : decodeURIComponent(text.slice(at + 4))).trim();
}

export function NewTalk({ close }: { close: () => void }) {
  const kind = useSignal<Kind>(wanted()?.kind === "room" ? "live" : "person");
  const id = useSignal("");
  const fault = useSignal<string | undefined>(undefined);
  const submit = async (event: Event) => {
    event.preventDefault();
    fault.value = await begin(kind.value === "person" ? "person" : "room", idOf(id.value), kind.value === "durable");
    if (!fault.value) close();
  };
  return (
    <Dialog title="New conversation" close={close}>
      <form onSubmit={(event) => void submit(event)} novalidate>
        <fieldset class="kinds">
          <legend class="unseen">With</legend>
          {KINDS.map((choice) => (
            <label class="kind" key={choice.kind}>
              <input type="radio" name="kind" checked={kind.value === choice.kind} onChange={() => (kind.value = choice.kind)} />
              <span>
                <strong>{choice.label}</strong>
                <span>{choice.about}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <label class="field">
          {kind.value === "person" ? "Their ID, or the link to them" : "Name of the room"}
          <input
            value={id.value}
            onInput={(event) => (id.value = event.currentTarget.value)}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-invalid={fault.value !== undefined}
            aria-describedby="fault"
            autoFocus
          />
        </label>
        <p id="fault" class="fault" role="alert">
          {fault.value}
        </p>
        <button class="button" type="submit">
          Open
        </button>
      </form>
    </Dialog>
  );
}
