import { Problem, routes } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import Negotiator from "negotiator";
import { Database } from "../platform/database/database.js";
import { Handles, orgOf, SENT, type Call } from "../platform/http/handles.js";
import { openMatrix } from "./read-matrix.js";
import { toCsv, toMarkdown } from "./render-matrix.js";

const FORMS = {
  json: { mediaType: "application/json", render: JSON.stringify },
  csv: { mediaType: "text/csv", render: toCsv },
  markdown: { mediaType: "text/markdown", render: toMarkdown },
} as const;
type Form = keyof typeof FORMS;

@Controller()
export class MatrixController {
  constructor(private readonly database: Database) {}

  @Handles(routes.readMatrix)
  async readMatrix(call: Call<typeof routes.readMatrix>): Promise<typeof SENT> {
    const { format, ...query } = call.query;
    const form = format ?? acceptedForm(call.request.headers.accept);
    const reading = await openMatrix(this.database, orgOf(call), query, form);
    call.response.headers({
      etag: reading.etag,
      vary: "Accept, Authorization",
      "cache-control": "private, no-cache",
    });
    if (matches(call.request.headers["if-none-match"], reading.etag)) {
      call.response.status(304).send();
      return SENT;
    }
    const { mediaType, render } = FORMS[form];
    const body = render(await reading.read());
    call.response.header("content-type", `${mediaType}; charset=utf-8`).send(body);
    return SENT;
  }
}

/** The form that an Accept header prefers; JSON where it has no preference. Throws Problem `not_acceptable`. */
function acceptedForm(accept: string | undefined): Form {
  if (accept === undefined || accept.trim() === "") return "json";
  const forms = Object.keys(FORMS) as Form[];
  const [chosen] = new Negotiator({ headers: { accept } }).mediaTypes(
    forms.map((form) => FORMS[form].mediaType),
  );
  const form = forms.find((name) => FORMS[name].mediaType === chosen);
  if (form !== undefined) return form;
  throw new Problem(
    "not_acceptable",
    `a matrix can be had as ${forms.map((name) => FORMS[name].mediaType).join(", ")}; ask for one of them in Accept`,
  );
}

/** If-None-Match of RFC 9110, section 13.1.2: a list of tags compared weakly, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
