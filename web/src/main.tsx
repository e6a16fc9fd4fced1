import { effect } from "@preact/signals";
import { render } from "preact";
import "./style/base.css";
import "./style/sidebar.css";
import "./style/talk.css";
import { begin, loading, markRead, notify, start, title } from "./model/chat";
import { wanted } from "./model/place";
import { App } from "./view/app";

effect(() => void (document.title = title.value));
document.addEventListener("visibilitychange", () => void markRead());
window.addEventListener("hashchange", () => void follow());

async function follow(): Promise<void> {
  const link = wanted();
  if (!link) return;
  history.replaceState(null, "", location.pathname + location.search);
  const fault = await begin(link.kind, link.id, link.durable);
  if (fault) notify("failed", fault);
}

const root = document.getElementById("app");
if (root) render(<App />, root);
start().then(follow, (error: unknown) => {
  loading.value = false;
  notify("failed", `This browser keeps nothing (${String(error)}): the chat needs its storage.`);
});
