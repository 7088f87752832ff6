/** What Swagger UI's script leaves behind; see its documentation for further settings. */
interface SwaggerUi {
  SwaggerUIBundle(options: {
    readonly url: string;
    readonly domNode: Element | null;
    readonly deepLinking: boolean;
    /** How much of the lists is open at first. */
    readonly docExpansion: "list" | "none";
    readonly defaultModelsExpandDepth: number;
    readonly displayRequestDuration: boolean;
    readonly filter: boolean;
    readonly persistAuthorization: boolean;
    /** Where a description is judged by others; none. */
    readonly validatorUrl: null;
  }): void;
}

(globalThis as unknown as SwaggerUi).SwaggerUIBundle({
  url: "/v1/openapi.json",
  domNode: document.getElementById("reference"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
