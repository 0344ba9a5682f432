"""What stands before and behind the names of people in English, and what before and behind those of others."""

import re
from typing import Final

SURE: Final = re.compile(
    r"(?:(?<!file)(?<!user)(?<!host)(?<!class)(?<!column)(?<!field)(?<!table)(?<!module)(?<!command)(?<!display)(?<!brand)"
    r"(?<!product)(?<!company)(?<!project)(?<!domain)(?<!package)(?<!variable)(?<!function)(?<!attribute)(?<!city)(?<!street)"
    r"(?<!drug)(?<!font) name(?: is|'s|’s)?:?|\A\W{0,3}(?:full |first |last |maiden |given |family )?name(?: is|"
    r"'s|’s)?:|"
    r"\bnamed|\bcalled|\bcalls? me|(?:change|correct) it to|it[’']s under|\bdear|\battn:?|on behalf of|"
    r"spoke (?:with|to)|signed(?: by)?:?|(?:wife|husband|son|daughter|brother|sister|mother|father|uncle|aunt|"
    r"cousin|"
    r"fiancée?|roommate|colleague|coworker|boss|friend|neighbou?r|landlord|lawyer|doctor|nurse|teacher),|"
    r"\b(?:my|his|her|our|their) (?:wife|husband|son|daughter|brother|sister|mother|father|uncle|aunt|cousin|"
    r"fiancée?|"
    r"roommate|colleague|coworker|boss|friend|neighbou?r|landlord|lawyer|doctor|nurse|teacher)|"
    r"\b(?:mr|mrs|ms|miss|dr|prof|professor|sir|dame|judge|justice|captain|capt|sgt|sergeant|lt|rev|reverend|"
    r"senator|"
    r"detective|officer|nurse|herr|frau|señora?|sra?|do[ñn]a|madame|mme|monsieur|signora?|shri|smt|pani?|mevrouw|"
    r"dhr|mw|hr|fru|sheikh|imam|rabbi|sister|father|uncle|aunt|auntie)\.?|"
    r"\b(?:patient|client|tenant|applicant|claimant|plaintiff|defendant|witness|insured|beneficiary|employee|"
    r"assignee|"
    r"reporter|recipient|sender|cardholder|account holder|guardian|contact|supervisor|attendee|guest|passenger|"
    r"caller|agent|requester|requested by|approved by|reviewed by|prepared by|author|owner|driver|student|"
    r"spouse|next of kin)(?: name)?:)\s+\Z",
    re.IGNORECASE,
)
"""A name follows whatever its words are."""
OWN: Final = re.compile(r"\b(?:my|maiden|his|her|family|last|first|sur) ?name(?: is|'s|’s)?:?\s+\Z", re.IGNORECASE)
"""Whose name follows is a person, even one called Key."""
NAMED_BY: Final = re.compile(
    r"(?:\bI am|\bI'm|\bI’m|this is|\bby|said|says?|asked?|told|with|from|\bto|\bfor|\bhi|hello|\bhey|starring|"
    r"\bme|player|"
    r"\band|contact|\bcc:?|regards,|sincerely,|thanks,|thank you,|cheers,|patient|founder|CEO|CFO|CTO|manager|"
    r"director|"
    r"actor|actress|singer|author|writer|artist|coach|assistant|secretary|met|meet|call(?:ed)?|invited?|emailed|"
    r"remind|ask|tell|thank)\s+\Z"
)
ACTS: Final = re.compile(
    r",? (?:said|says|told|asked|replied|wrote|was born|is (?:an?|my|our|the) (?!\w+ (?:company|firm|agency|brand|"
    r"provider))|"
    r"was an?|lives|listed|spent|works?|joined|writes|called|emailed|phoned|signed|agreed|visited|met|paid|"
    r"thinks?|believes?|wants?|likes?|loves?|hates?|died|left|moved|was (?:influenced|admitted|discharged|seen|"
    r"hired|fired|"
    r"diagnosed|arrested|married|promoted)|will (?:call|send|pay|join|attend)|has (?:been (?:diagnosed|admitted|"
    r"working)|"
    r"agreed|asked)|had (?:asked|told|said)|and I\b)\b|"
    r"['’]s (?:wife|husband|son|daughter|mother|father|brother|sister|birthday|house|email|phone|car|account|desk|"
    r"team|address|song|book|novel|poem|album|office|lawyer|doctor|room|boss|application|passport|contract)|"
    r"\s*[(<]"
)
HUMAN: Final = re.compile(
    r",? (?:lives|was born|got married|spent (?:a|his|her|the)|is from|passed away|grew up|turned [0-9])\b|"
    r"['’]s (?:wife|husband|son|daughter|mother|father|brother|sister|birthday|killers?|parents|widow|boyfriend|"
    r"girlfriend)\b|"
    r", (?:can|could|may) I (?:please )?(?:speak|talk|see|have)\b| <[\w.+-]+@|, (?:M\.?D|Ph\.?D|R\.?N|Esq|J\.?D|"
    r"DDS|CPA|MBA)\b|"
    r", (?:aged? )[1-9][0-9]\b| just (?:has|have|had|wants|wanted) to\b"
)
"""What only people do, have, or are asked."""
SPEAKS: Final = re.compile(r": (?:[A-Z][a-z]*['’]?[a-z]*[ ,.!?])|, [1-9][0-9],| [(][1-9][0-9][)]")
"""What stands behind a name at the beginning of a line: what is said, or an age."""
ORGANISED: Final = re.compile(
    r"\b(?:Inc|Ltd|LLC|Corp|Co|Company|Corporation|Group|Bank|University|College|School|Academy|Hospital|Clinic|"
    r"Institute|"
    r"Orchestra|Investments|Committee|Ministry|Department|Foundation|Association|Society|Union|Agency|Software|"
    r"Motors|"
    r"Airlines|Laboratories|Labs|Studios?|Press|Records|Pictures|Games|Media|Networks?|Pharma|Insurance|Ventures|"
    r"Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Square|Park|City|County|River|Lake|Island|Islands|Airport|Station|"
    r"Hotel|Museum|"
    r"Force|Day|Journal|Times|Weekly|News|Show|Bridge|Way|Route|Turnpike|Village|Flat|Flats|Parks|Cliffs|Cove|Coves|"
    r"Terrace|Court|Place|Boulevard|Highway|Building|Tower|Hill|Hills|Lodge|Isle|Memorial|Cathedral|Church|"
    r"Theatre|Theater|"
    r"Palace|Castle|Abbey|Gate|Canyon|Ocean|Desert|Heights|Falls|Springs|Stadium|Arena|Valley|Beach|Mountain|"
    r"Mountains|Bay|"
    r"Solutions|Services|Systems|Partners|Associates|Capital|Holdings|Technologies|Industries|Movers|Brothers|Sons|"
    r"GmbH|AG|SA|BV|NV|Oy|AB|Pty|License|Licence|Foundation|Project|Edition|Protocol|Framework|Library|Award|"
    r"Prize|Cup|"
    r"Theorem|Algorithm|Act|Treaty|Code|Method|Syndrome|Disease)\b"
)
"""What a person's name has neither in it nor behind it."""
BODY_LEAD: Final = re.compile(
    r"\b(?:work(?:s|ed|ing)? (?:for|at)|employ(?:ed|ee|ees) (?:by|at|of)|hired by|acquired by|customers? of|"
    r"invoice from|"
    r"shareholders? of|subsidiary of|headquarters of|(?:year|years|months|internship|job|career|position) (?:at|"
    r"with)|"
    r"(?:company|firm|start-?up|employer)(?: is| called| named|,)?|later became|merged with) (?:the )?\Z"
)
BODY_TAIL: Final = re.compile(
    r"(?:['’]s)? (?:is|was) (?:an?|the) (?:[\w-]+ ){0,3}(?:company|firm|agency|bank|start-?up|provider|"
    r"manufacturer|retailer|"
    r"brainchild|subsidiary|insurer|vendor|non-?profit|organi[sz]ation|library|framework|tool|language|protocol|"
    r"software|"
    r"package|program|module|format|city|town|village|river|island|country|state|brand|database|platform|service)\b|"
    r"(?:['’]s)? (?:offices?|headquarters|employees|shareholders|shares|stock|subsidiary|songwriter|spokes\w+) "
)
"""What only firms, things and places are or have."""
PLACED: Final = re.compile(
    r"(?:\b(?:Ste?\.|Los|Las|El|San|Santa|Saint|Fort|Port|Mount|Lake)|\b(?:return(?:s|ed|ing)?|mov(?:e|es|ed|ing)|"
    r"went|go(?:es|ing)?|flew|fly|flying|travel\w*|drove|driv(?:e|"
    r"ing)|back|"
    r"trip|flight|train|bus|heading|relocated) to|\b(?:liv(?:e|es|ed|ing)|born|based|located|offices?|branch|raised|"
    r"stay(?:ed|ing)?|situated|arriv\w+|street|am|hotel|hospital|headquartered|grew up|settled) in|"
    r"\b(?:originally|here|hails|flight|flew|city|town|village|island|port|people|university|province|"
    r"state) (?:from|of)) \Z"
)
"""What leads to a place that is called like a person."""
SAID_BY: Final = re.compile(r"\b(?:[Aa]ccording to|told|asked|said) \Z")
"""A family name is enough behind it."""
LED: Final = re.compile(r"\b(?:of|for|to|from|with|by|is|am|hi|dear) \Z")
NUMBERED: Final = re.compile(r"[0-9]\s\Z")
"""A street begins like this, not a name."""
LISTED: Final = re.compile(
    r"\b(?:founders|members|attendees|participants|authors|editors|speakers|players|guests|present|students|"
    r"employees|"
    r"colleagues|staff|partners|winners|finalists|survivors|children|kids|sons|daughters|siblings|friends|"
    r"witnesses|heirs|"
    r"trustees|directors|owners|tenants|passengers|patients|nurses|doctors|invited|assignees|reviewers|contacts|"
    r"names|"
    r"signatories|parties|cc|bcc|interviewers|candidates|parents|beneficiaries|co-?workers)\s?: ?",
    re.IGNORECASE,
)
"""Behind it people are told off one by one."""
ASKED: Final = re.compile(
    r"(?:\bname(?: please)?(?: is)?\W{1,4}|\b(?:[Rr]egards|[Ss]incerely|[Yy]ours|[Tt]hanks|[Cc]heers|[Tt]ruly|"
    r"[Ff]aithfully|[Ww]ishes|"
    r"[Ss]igned|[Gg]reetings|[Ll]ove|XOXO|[Gg]rüßen?|[Cc]ordialement|[Ss]aludos|[Aa]ttentamente|[Aa]ttn)\s?[,:!.]?|"
    r"\b(?:[Pp]atient|[Cc]lient|[Ee]mployee|[Cc]ontact(?: person)?|[Aa]pplicant|[Rr]ecipient|[Cc]ustomer|"
    r"[Aa]ttention)\s?:)\s*\Z"
)
"""A name comes next, be it on the next line."""
LOWER: Final = re.compile(
    r"\b(?:(?:my|maiden|his|her) name(?: is|'s|’s|:)|name:|(?i:patient|reporter|assignee|"
    r"client|contact|employee|tenant|sender|recipient|caller|attendee|guest|student|driver|applicant):|mr\.?|"
    r"mrs\.?|ms\.?|dear|attn:?)\s+"
    r"([a-zß-ÿ]{2,20}(?: (?!(?:and|but|so|from|who|with|please|as|is|my|i|in|on|at|to|for|of|"
    r"the)\b)[a-zß-ž'’-]{2,20})?)(?![\w@])"
)
TOWARDS: Final = re.compile(
    r"\b(?:this is|i am|i'm|i’m|hi|hello|hey|ask|tell|call|thanks|thank you|told|asked|met|with|from|me|by)"
    r"(?=[ ,]+([a-zß-ž]{4,20})(?![\w@/-]|\.\w))|"
    r"(?:\A\W*|[,.!?] )([a-zß-ž]{4,20}) (?:is|was|said|says|asked|wants|called|told|lives|works|has|and i)\b"
)
"""Names without a capital, by what leads to them or what they do."""
