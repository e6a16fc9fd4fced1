import { useEffect, useRef } from "preact/hooks";
import { connection, send } from "../model/chat";
import type { Talk } from "../model/history";
import { Send } from "./icons";

export function Composer({ talk }: { talk: Talk }) {
  const field = useRef<HTMLTextAreaElement>(null);
  // A phone would put its keyboard over the conversation.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
  }, [talk.key]);

  const submit = () => {
    const element = field.current;
    if (!element) return;
    const text = element.value;
    element.value = "";
    grow();
    void send(text);
  };
  const grow = () => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="unseen" for="text">
        Message
      </label>
      <textarea id="text" ref={field} rows={1} maxLength={8000} placeholder={connection.value === "online" ? "Message" : "Message, sent later"} onInput={grow} onKeyDown={onKeyDown} />
      <button class="send" type="submit" aria-label="Send">
        <Send />
      </button>
    </form>
  );
}
