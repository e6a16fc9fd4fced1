import { useSignal } from "@preact/signals";
import { me, myName, rename } from "../model/chat";
import { NAME_MAX } from "../model/body";
import { Avatar } from "./avatar";
import { Code, Copy, Done } from "./icons";
import { QrDialog } from "./qr";

export function Me() {
  const isShown = useSignal(false);
  const id = me.value;
  if (!id) {
    return (
      <section class="me is-loading" aria-label="You">
        <span class="ghost ghost-disc" />
        <span class="ghost ghost-line" />
      </section>
    );
  }
  return (
    <section class="me" aria-label="You">
      <Avatar id={id} name={myName.value || undefined} />
      <div class="me-main">
        <label class="unseen" for="name">
          Your name
        </label>
        <input id="name" class="me-name" value={myName.value} maxLength={NAME_MAX} placeholder="Your name" autocomplete="nickname" onChange={(event) => rename(event.currentTarget.value)} />
        <code class="me-id" title="Your ID" data-id={id}>
          {id}
        </code>
      </div>
      <CopyButton text={id} label="Copy your ID" />
      <button class="bare" type="button" aria-label="Show your ID as a QR code" onClick={() => (isShown.value = true)}>
        <Code />
      </button>
      {isShown.value && <QrDialog id={id} close={() => (isShown.value = false)} />}
    </section>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    copied.value = await toClipboard(text);
    setTimeout(() => (copied.value = false), 2000);
  };
  return (
    <button class="bare" type="button" aria-label={label} onClick={() => void copy()}>
      {copied.value ? <Done /> : <Copy />}
      <span class="unseen" role="status">
        {copied.value && "Copied"}
      </span>
    </button>
  );
}

/** Where a page is not served securely there is no clipboard: then what is to be copied is selected. */
async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const shown = document.querySelector("[data-id]");
    if (shown) getSelection()?.selectAllChildren(shown);
    return false;
  }
}
