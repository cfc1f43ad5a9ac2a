import { routes } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { bytesOf, Handles, orgOf, SENT, type Call } from "../platform/http/handles.js";
import { SendArtifact } from "./send-artifact.js";
import { UploadArtifact } from "./upload-artifact.js";

@Controller()
export class ArtifactController {
  readonly #send: SendArtifact;
  readonly #upload: UploadArtifact;

  constructor(send: SendArtifact, upload: UploadArtifact) {
    this.#send = send;
    this.#upload = upload;
  }

  @Handles(routes.headArtifact)
  async head(call: Call<typeof routes.headArtifact>) {
    await this.#send.head(orgOf(call), call.params.sha256, call.response);
    return SENT;
  }

  @Handles(routes.uploadArtifact)
  async upload(call: Call<typeof routes.uploadArtifact>) {
    const { artifact, isNew } = await this.#upload.run(
      orgOf(call),
      call.params.sha256,
      bytesOf(call),
    );
    if (!isNew) call.response.status(200);
    return artifact;
  }

  @Handles(routes.fetchArtifact)
  async fetch(call: Call<typeof routes.fetchArtifact>) {
    const { request, response } = call;
    await this.#send.stream(orgOf(call), call.params.sha256, request, response);
    return SENT;
  }
}
