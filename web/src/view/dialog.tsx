import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Close } from "./icons";

interface Props {
  title: string;
  close: () => void;
  children: ComponentChildren;
}

/** Modal: the browser keeps the focus within, and Escape closes it. */
export function Dialog({ title, close, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const onClick = (event: MouseEvent) => {
    if (event.target === dialog.current) close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close} onClick={onClick}>
      <div class="dialog">
        <header class="dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button class="bare" type="button" aria-label="Close" onClick={close}>
            <Close />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
