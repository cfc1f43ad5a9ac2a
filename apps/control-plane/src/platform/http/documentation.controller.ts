import { Controller, Get, Res } from "@nestjs/common";
import type { FastifyReply } from "fastify";
import { OpenPage } from "./call.js";
import { openApiText } from "./openapi.js";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Benchfarm API</title>
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const START = `window.ui = SwaggerUIBundle({ url: "/v1/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false, displayRequestDuration: true, validatorUrl: null });
`;

/** The API's description, and a page to browse it; everything is served from here. */
@Controller()
export class DocumentationController {
  #text: string | undefined;

  @Get("/v1/openapi.json")
  @OpenPage()
  async openApi(@Res() response: FastifyReply): Promise<void> {
    this.#text ??= openApiText();
    await response
      .header("content-type", "application/json; charset=utf-8")
      .header("cache-control", "no-cache")
      .send(this.#text);
  }

  @Get("/docs")
  @OpenPage()
  async page(@Res() response: FastifyReply): Promise<void> {
    await response.header("content-type", "text/html; charset=utf-8").send(PAGE);
  }

  @Get("/docs/start.js")
  @OpenPage()
  async start(@Res() response: FastifyReply): Promise<void> {
    await response.header("content-type", "text/javascript; charset=utf-8").send(START);
  }
}
