# Only the containers: values are added with gcloud, so that none stands in a file or in Terraform's state.
locals {
  secrets = toset(concat(["GITHUB_TOKEN", "MODEL_API_KEY", "OPERATOR_KEY", "SCROLLBACK_SECRET", "SMTP_URL"], var.model_keys))
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id = each.key

  replication {
    user_managed {
      replicas {
        location = local.region
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.this]
}

resource "google_kms_key_ring" "this" {
  name     = "scrollback"
  location = local.region

  depends_on = [google_project_service.this]
}

# Private parts of signing keys are encrypted with it. Older versions go on decrypting what they have
# encrypted.
resource "google_kms_crypto_key" "signing_keys" {
  name            = "signing-keys"
  key_ring        = google_kms_key_ring.this.id
  purpose         = "ENCRYPT_DECRYPT"
  rotation_period = "7776000s"

  lifecycle {
    prevent_destroy = true
  }
}
