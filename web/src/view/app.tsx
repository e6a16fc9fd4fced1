import { connection, loading, me, opened, talks } from "../model/chat";
import { Notices } from "./notices";
import { Stopped } from "./stopped";
import { Sidebar } from "./sidebar";
import { Conversation } from "./conversation";
import { Welcome } from "./welcome";

export function App() {
  const isOpen = opened.value !== null;
  return (
    <div class={`app ${isOpen ? "is-open" : ""} ${talks.value.size > 0 ? "has-talks" : ""}`} aria-busy={loading.value}>
      <Sidebar />
      <main class="main" aria-label={isOpen ? "Conversation" : "Welcome"}>
        <Notices />
        <View isOpen={isOpen} />
      </main>
    </div>
  );
}

function View({ isOpen }: { isOpen: boolean }) {
  if (isOpen) return <Conversation />;
  if (me.value && !loading.value) return <Welcome />;
  return connection.value === "stopped" ? <Stopped /> : <Loading />;
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      <h1>Reaching the server</h1>
    </div>
  );
}
