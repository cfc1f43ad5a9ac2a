-- Nonces of session requests: opening a session ends the one before, so the same signed request must not work twice.
CREATE TABLE "session_nonce" (
    "agent_id" TEXT NOT NULL,
    "nonce" TEXT NOT NULL,
    "used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "session_nonce_pkey" PRIMARY KEY ("agent_id","nonce")
);
