import { functions } from "./functions.ts";
import { startInstance } from "./runtime/register.ts";

startInstance(functions);
