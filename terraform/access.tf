# What each function may do, and nothing else. A test runs every function, records the calls that it makes and compares them
# with this table in both directions, so that no role is missing and none is left over.
locals {
  # All of them keep their state in Firestore; those that queues call put aside what they can never do.
  background = { firestore = true, topics = ["dead-letters"], queues = [], kms = false, identity = false, push = false, secrets = [] }
  announcing = merge(local.background, { topics = ["chat-changes", "dead-letters"] })

  access_of = {
    api = {
      firestore = true
      topics    = ["chat-changes"]
      queues    = ["mail", "forks", "search-index", "answer-fast", "answer-slow", "summaries", "shadows"]
      kms       = true
      identity  = true
      push      = false
      secrets   = ["SCROLLBACK_SECRET", "OPERATOR_KEY", "MODEL_API_KEY"]
    }

    "on-chat-changed" = merge(local.background, { queues = ["notifications", "search-index"] })
    "notify-members"  = merge(local.background, { queues = ["notifications", "mail"], push = true })
    "send-mail"       = merge(local.background, { secrets = ["SCROLLBACK_SECRET", "SMTP_URL"] })
    "fork-chat"       = local.announcing
    "answer-fast"     = merge(local.announcing, { queues = ["answer-fast", "summaries", "shadows"], secrets = ["MODEL_API_KEY"] })
    "answer-slow"     = merge(local.announcing, { queues = ["answer-slow", "summaries", "shadows"], secrets = ["MODEL_API_KEY"] })
    "summarize-chat"  = merge(local.background, { secrets = ["MODEL_API_KEY"] })

    "index-messages" = merge(local.background, { queues = ["search-index"] })
    "audit-search"   = merge(local.announcing, { queues = ["search-index"] })

    # A dead letter may be delivered again to any function, by whatever delivers to it.
    "keep-dead-letter" = local.background
    "run-job"          = merge(local.announcing, { queues = keys(local.manifest.queues) })
    "recover-jobs"     = merge(local.background, { queues = ["jobs"] })

    reconcile         = local.announcing
    audit             = local.background
    "expire-chats"    = local.announcing
    "recover-answers" = merge(local.background, { queues = ["answer-fast", "answer-slow"] })
    "shadow-answer"   = merge(local.background, { secrets = ["MODEL_API_KEY"] })
    "judge-rollouts"  = local.background
  }

  # A function without an entry stops the plan here.
  access = { for name in keys(local.functions) : name => local.access_of[name] }
}
