# The roles that local.access stands for, each on the one resource it is needed on where Google Cloud allows
# that.

resource "google_project_iam_member" "firestore" {
  for_each = { for name, access in local.access : name => access if access.firestore }

  project = var.project_id
  role    = "roles/datastore.user"
  member  = google_service_account.function[each.key].member
}

resource "google_project_iam_member" "identity" {
  for_each = { for name, access in local.access : name => access if access.identity }

  project = var.project_id
  role    = "roles/firebaseauth.viewer"
  member  = google_service_account.function[each.key].member
}

# Of Google's roles this is the smallest that may send.
resource "google_project_iam_member" "push" {
  for_each = { for name, access in local.access : name => access if access.push }

  project = var.project_id
  role    = "roles/firebasecloudmessaging.admin"
  member  = google_service_account.function[each.key].member
}

# Only where a model of Vertex AI is named, and only for whoever asks models.
resource "google_project_iam_member" "vertex" {
  for_each = { for name, access in local.access : name => access if length(local.vertex_models) > 0 && contains(access.secrets, "MODEL_API_KEY") }

  project = var.project_id
  role    = "roles/aiplatform.user"
  member  = google_service_account.function[each.key].member
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = merge([
    for name, access in local.access : {
      for topic in access.topics : "${name}/${topic}" => { function = name, topic = topic }
    }
  ]...)

  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}

resource "google_cloud_tasks_queue_iam_member" "enqueuer" {
  for_each = merge([
    for name, access in local.access : {
      for queue in access.queues : "${name}/${queue}" => { function = name, queue = queue }
    }
  ]...)

  location = local.region
  name     = google_cloud_tasks_queue.this[each.value.queue].name
  role     = "roles/cloudtasks.enqueuer"
  member   = google_service_account.function[each.value.function].member
}

# Asking about a topic or a queue needs more than publishing and enqueueing.
resource "google_pubsub_topic_iam_member" "viewer" {
  for_each = merge([
    for name, access in local.access : {
      for topic in access.checked_topics : "${name}/${topic}" => { function = name, topic = topic }
    }
  ]...)

  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.viewer"
  member = google_service_account.function[each.value.function].member
}

resource "google_cloud_tasks_queue_iam_member" "viewer" {
  for_each = merge([
    for name, access in local.access : {
      for queue in access.checked_queues : "${name}/${queue}" => { function = name, queue = queue }
    }
  ]...)

  location = local.region
  name     = google_cloud_tasks_queue.this[each.value.queue].name
  role     = "roles/cloudtasks.viewer"
  member   = google_service_account.function[each.value.function].member
}

# Every function exports the spans of what it does, and may do nothing else with traces.
resource "google_project_iam_member" "traces" {
  for_each = local.access

  project = var.project_id
  role    = "roles/telemetry.tracesWriter"
  member  = google_service_account.function[each.key].member
}

# Whoever creates a task that is to carry the invoker's token has to be allowed to act as the invoker.
resource "google_service_account_iam_member" "acts_as_invoker" {
  for_each = { for name, access in local.access : name => access if length(access.queues) > 0 }

  service_account_id = google_service_account.invoker.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.function[each.key].member
}

# Whoever gives files to models reads them. Whoever signs addresses may see what is there and add to it, not
# change or delete it.
resource "google_storage_bucket_iam_member" "files" {
  for_each = merge([
    for name, access in local.access : {
      for role in local.bucket_roles[access.bucket] : "${name}/${role}" => { function = name, role = role }
    }
  ]...)

  bucket = google_storage_bucket.files.name
  role   = each.value.role
  member = google_service_account.function[each.value.function].member
}

locals {
  bucket_roles = {
    none   = []
    read   = ["roles/storage.objectViewer"]
    sign   = ["roles/storage.objectCreator", "roles/storage.objectViewer"]
    change = ["roles/storage.objectUser"]
  }
}

# Google signs for an account when the account itself asks for it, which it has to be allowed to.
resource "google_service_account_iam_member" "signs_addresses" {
  for_each = { for name, access in local.access : name => access if access.bucket == "sign" }

  service_account_id = google_service_account.function[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.function[each.key].member
}

resource "google_kms_crypto_key_iam_member" "signing_keys" {
  for_each = { for name, access in local.access : name => access if access.kms }

  crypto_key_id = google_kms_crypto_key.signing_keys.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = google_service_account.function[each.key].member
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge([
    for name, access in local.access : {
      for secret in access.secrets : "${name}/${secret}" => { function = name, secret = secret }
    }
  ]...)

  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}

# A right that was granted a moment ago is not seen everywhere for two minutes, and a service or a connection
# that may not read its secret is refused. Another grant is waited for again.
resource "time_sleep" "grants_known" {
  create_duration = "120s"

  triggers = {
    readers = jsonencode(concat(keys(google_secret_manager_secret_iam_member.reader), [google_secret_manager_secret_iam_member.cloud_build.member]))
  }
}
