# What each function may do, and nothing else. A test runs every function, records the calls that it makes and
# compares them with this table in both directions, so that no role is missing and none is left over.
locals {
  # All of them keep their state in Firestore. What queues deliver and can never be done is put aside;
  # schedules come again anyway.
  scheduled  = { firestore = true, topics = [], queues = [], checked_topics = [], checked_queues = [], bucket = "none", kms = false, identity = false, push = false, secrets = [] }
  background = merge(local.scheduled, { topics = ["dead-letters"] })
  announcing = merge(local.scheduled, { topics = ["chat-changes", "dead-letters"] })

  # A dead letter may be delivered again to any function, by whatever delivers to it.
  all_queues = keys(local.manifest.queues)
  all_topics = keys(local.manifest.topics)

  access_of = {
    api = {
      firestore = true
      topics    = local.all_topics
      queues    = local.all_queues
      # It signs addresses in the bucket of files, of which they can be used for what it may do itself.
      bucket   = "sign"
      kms      = true
      identity = true
      push     = false
      # What /readyz asks about.
      checked_topics = ["chat-changes"]
      checked_queues = ["answer-fast"]
      secrets        = ["SCROLLBACK_SECRET", "OPERATOR_KEY", "MODEL_API_KEY"]
    }

    # It reads chats and notes who is there; it makes no token and enqueues nothing.
    live = merge(local.scheduled, { secrets = ["SCROLLBACK_SECRET", "OPERATOR_KEY"] })

    "on-chat-changed"  = merge(local.background, { queues = ["notifications", "search-index", "moderation"] })
    "notify-members"   = merge(local.background, { queues = ["notifications", "mail"], push = true })
    "judge-message"    = merge(local.announcing, { queues = ["moderation"], secrets = ["SCROLLBACK_SECRET"] })
    "send-scheduled"   = merge(local.announcing, { bucket = "read", queues = ["answer-fast", "answer-slow"], secrets = ["SCROLLBACK_SECRET"] })
    "send-mail"        = merge(local.background, { secrets = ["SCROLLBACK_SECRET", "SMTP_URL"] })
    "fork-chat"        = local.announcing
    "index-messages"   = merge(local.background, { queues = ["search-index"] })
    "answer-fast"      = merge(local.announcing, { bucket = "read", queues = ["answer-fast", "summaries", "shadows"], secrets = ["MODEL_API_KEY"] })
    "answer-slow"      = merge(local.announcing, { bucket = "read", queues = ["answer-slow", "summaries", "shadows"], secrets = ["MODEL_API_KEY"] })
    "summarize-chat"   = merge(local.announcing, { secrets = ["MODEL_API_KEY"] })
    "shadow-answer"    = merge(local.background, { bucket = "read", secrets = ["MODEL_API_KEY"] })
    "keep-dead-letter" = local.background
    "check-file"       = merge(local.announcing, { bucket = "change" })
    # It moves the files of an app, where there are cells.
    "run-job"      = merge(local.background, { topics = local.all_topics, queues = local.all_queues, bucket = var.cell == null ? "none" : "change" })
    "run-transfer" = merge(local.announcing, { queues = ["transfers", "mail"], bucket = "change", secrets = ["SCROLLBACK_SECRET"] })

    reconcile           = merge(local.scheduled, { topics = ["chat-changes"] })
    audit               = local.scheduled
    "audit-search"      = merge(local.scheduled, { topics = ["chat-changes"], queues = ["search-index"] })
    "expire-chats"      = merge(local.scheduled, { topics = ["chat-changes"] })
    "recover-answers"   = merge(local.scheduled, { queues = ["answer-fast", "answer-slow"] })
    "recover-scheduled" = merge(local.scheduled, { queues = ["scheduled"] })
    "recover-jobs"      = merge(local.scheduled, { queues = ["jobs", "transfers"] })
    "judge-rollouts"    = local.scheduled
    "tend-files"        = merge(local.scheduled, { topics = ["chat-changes", "file-uploads"], bucket = "change" })
  }

  # Models of Vertex AI are asked with the token of the function's own account. Where no preset says so, the
  # address does.
  vertex_address = "^https://([a-z0-9-]+-)?aiplatform\\.googleapis\\.com(/|$)"
  vertex_models = concat(
    [for model in [var.model] : model.base_url if model.preset == null ? can(regex(local.vertex_address, model.base_url)) : model.preset == "vertex"],
    [for entry in var.models : entry.id if try(entry.preset, null) == null ? can(regex(local.vertex_address, try(entry.baseUrl, ""))) : entry.preset == "vertex"]
  )

  # A function without an entry stops the plan here. Who asks models has the keys of all of them.
  access = {
    for name in keys(local.functions) : name => merge(local.access_of[name], {
      secrets = concat(local.access_of[name].secrets, contains(local.access_of[name].secrets, "MODEL_API_KEY") ? var.model_keys : [])
    })
  }
}
