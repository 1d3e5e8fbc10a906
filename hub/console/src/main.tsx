import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/queue.css";
import "./styles/plan.css";
import "./styles/incident.css";
import "./styles/equipment.css";
import "./styles/settings.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
